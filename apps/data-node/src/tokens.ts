/** What the composition root hands to the controllers. */
export const NODE = Symbol('Node');
export const FATAL = Symbol('Fatal');
export const REFUSALS = Symbol('Refusals');
