/** What the composition root hands to controllers and filters. */
export const NODE_TARGETS = Symbol('NodeTargets');
