/** What the composition root hands to controllers and filters. */
export const CLIENT = Symbol('Client');
export const LOG = Symbol('Logger');
export const READINESS = Symbol('Readiness');
export const COUNTERS = Symbol('RequestCounters');
