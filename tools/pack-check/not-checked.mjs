/** This machine cannot check it: something is not here, or cannot be fetched. What was not checked is named at the end. */
export class NotChecked extends Error {}
