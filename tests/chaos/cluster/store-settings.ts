/** Names the variable with the plain node's store settings, as JSON. */
export const STORE_SETTINGS_VARIABLE = 'HOLDFAST_STORE_SETTINGS';
