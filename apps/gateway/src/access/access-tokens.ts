/** What the composition root hands to the controllers of access. */
export const API_KEY_STORE = Symbol('ApiKeyStore');
export const API_KEY_RING = Symbol('ApiKeyRing');
export const USAGE_STORE = Symbol('UsageStore');
export const CLOCK = Symbol('Clock');
