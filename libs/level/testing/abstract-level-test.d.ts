/** The public conformance suite, which comes without types. */
declare module 'abstract-level/test/index.js' {
  export interface SuiteOptions {
    /** As tape's: `test(name, run)`. */
    readonly test: (name: string, run: (t: object) => unknown) => void;
    /** A new database that shares nothing with any other. */
    readonly factory: (options?: object) => object;
  }
  export default function suite(options: SuiteOptions): void;
}
