/** Of the cluster that benchmarks start. */
export const CLUSTER_ID = '0123456789abcdef0123456789abcdef';
