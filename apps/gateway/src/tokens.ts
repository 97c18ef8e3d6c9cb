/** What the composition root hands to controllers and filters. */
export const CLIENT = Symbol('Client');
export const READINESS = Symbol('Readiness');
export const KEYSPACES = Symbol('Keyspaces');
export const KEYSPACE_PURGER = Symbol('KeyspacePurger');
export const COUNTERS = Symbol('RequestCounters');
