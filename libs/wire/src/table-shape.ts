/** What the verifier must know of a FlatBuffers table; generated from the schema into `generated/layout.ts`. */
export interface TableShape {
  readonly name: string;
  /** By slot. A table from a later version may have more: they are not read. */
  readonly fields: readonly FieldShape[];
}

export interface FieldShape {
  readonly name: string;
  /** `scalar` stands in the table; `vector` of scalars or structs, `text` and `tables` are pointed at. */
  readonly kind: 'scalar' | 'vector' | 'text' | 'tables';
  /** Size of the scalar or of one element. */
  readonly bytes: number;
  readonly required: boolean;
  /** The elements of `tables`. */
  readonly table?: TableShape;
}
