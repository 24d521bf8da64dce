/** A small table that people have given: values by key, all text. `columns` without the key's. */
export type LookupTable = { name: string; key: string; columns: string[]; rows: { key: string; values: string[] }[] };
/** By name. */
export type LookupTables = ReadonlyMap<string, LookupTable>;
