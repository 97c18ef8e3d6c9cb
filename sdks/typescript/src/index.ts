/** The HTTP API of Holdfast: one function per operation, made from the API document. */
export { createClient, createConfig, type Client } from './generated/client/index.js';
export * from './generated/index.js';
