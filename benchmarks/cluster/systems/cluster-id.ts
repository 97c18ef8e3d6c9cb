/** Of the cluster that benchmarks start. */
export const CLUSTER_ID = '0123456789abcdef0123456789abcdef';

/** Bearer token that the measured gateway takes; it is on this machine only, and only while it is measured. */
export const ROOT_KEY = 'hf_dev_for-benchmarks-on-this-machine-only';
