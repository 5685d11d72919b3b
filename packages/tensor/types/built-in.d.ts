// From TypeScript 6 on the DOM library has the types of WebGPU, and a second declaration of them would be an error.
export {};
