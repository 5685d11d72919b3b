/// <reference types="@webgpu/types" />
// The types of WebGPU for compilers whose DOM library lacks them; `#webgpu-types` of the package.json takes this file before TypeScript 6.
export {};
