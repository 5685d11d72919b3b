/** Whether any device traces values that are not finite: what ops look at before they do more. */
export const tracing = { isOn: false };
