/**
 * Code of a WebAssembly module, written as expressions: enough for small loops over bytes, 16 at a time. Numbers stand for constants and names for
 * locals, so `add('p', 16)` is `p + 16`. All values are i32 but for those of `load16`, `splat`, `eq16`, `sub16` and `or16`, which are v128, and of
 * `wide`, `add64` and `mul64`, which are i64.
 * Opcodes: WebAssembly Core Specification 2.0, section 5.4.
 */
type Scope = { locals: ReadonlyMap<string, number>; functions: ReadonlyMap<string, number>; labels: readonly string[] };
export type Code = (scope: Scope) => number[];
export type Value = Code | number | string;

const unsigned = (value: number): number[] => {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return [...bytes, rest];
    bytes.push((rest & 0x7f) | 0x80);
  }
};
const signed = (value: number): number[] => {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>= 7) {
    if (rest >= -64 && rest < 64) return [...bytes, rest & 0x7f];
    bytes.push((rest & 0x7f) | 0x80);
  }
};

function known(of: ReadonlyMap<string, number>, name: string): number {
  const index = of.get(name);
  if (index === undefined) throw new Error(`${name} is not declared`);
  return index;
}

const value =
  (of: Value): Code =>
  scope => {
    if (typeof of === 'function') return of(scope);
    return typeof of === 'number' ? [0x41, ...signed(of | 0)] : [0x20, ...unsigned(known(scope.locals, of))];
  };
const all = (scope: Scope, parts: readonly Value[]): number[] => parts.flatMap(part => value(part)(scope));

const operator =
  (...opcode: number[]) =>
  (...operands: Value[]): Code =>
  scope => [...all(scope, operands), ...opcode];

export const add = operator(0x6a);
export const sub = operator(0x6b);
export const mul = operator(0x6c);
/** Unsigned. */
export const divide = operator(0x6e);
export const and = operator(0x71);
export const or = operator(0x72);
export const xor = operator(0x73);
export const shl = operator(0x74);
export const shr = operator(0x76);
export const isZero = operator(0x45);
export const eq = operator(0x46);
export const ne = operator(0x47);
/** Unsigned. */
export const lt = operator(0x49);
export const gt = operator(0x4b);
export const le = operator(0x4d);
export const ge = operator(0x4f);
/** Number of the lowest bit that is set. */
export const lowestBit = operator(0x68);
export const load8 = operator(0x2d, 0, 0);
export const load32 = operator(0x28, 2, 0);
/** `store8(address, value)` */
export const store8 = operator(0x3a, 0, 0);
export const store32 = operator(0x36, 2, 0);
export const load16 = operator(0xfd, 0x00, 0, 0);
export const store16 = operator(0xfd, 0x0b, 0, 0);
export const splat = operator(0xfd, 0x0f);
export const eq16 = operator(0xfd, 0x23);
export const lt16 = operator(0xfd, 0x26);
export const sub16 = operator(0xfd, 0x71);
export const or16 = operator(0xfd, 0x50);
/** One bit per byte: its highest. */
export const bits16 = operator(0xfd, 0x64);

/** Unsigned i32 as i64. */
export const wide = operator(0xad);
export const add64 = operator(0x7c);
export const mul64 = operator(0x7e);
/** `store64(address, value)`, the value an i64. */
export const store64 = operator(0x37, 3, 0);

export const set =
  (name: string, to: Value): Code =>
  scope => [...value(to)(scope), 0x21, ...unsigned(known(scope.locals, name))];
export const call =
  (name: string, ...parameters: Value[]): Code =>
  scope => [...all(scope, parameters), 0x10, ...unsigned(known(scope.functions, name))];
export const give = operator(0x0f);

const nested =
  (opcode: number, label: string, body: readonly Code[]): Code =>
  scope => [opcode, 0x40, ...all({ ...scope, labels: [label, ...scope.labels] }, body), 0x0b];
/** `leave(label)` goes behind it. */
export const block = (label: string, ...body: Code[]): Code => nested(0x02, label, body);
/** Runs again only by `again(label)`. */
export const loop = (label: string, ...body: Code[]): Code => nested(0x03, label, body);
export const when =
  (condition: Value, yes: readonly Code[], no: readonly Code[] = []): Code =>
  scope => {
    const inner = { ...scope, labels: ['', ...scope.labels] };
    return [...value(condition)(scope), 0x04, 0x40, ...all(inner, yes), 0x05, ...all(inner, no), 0x0b];
  };
const branch =
  (label: string, condition?: Value): Code =>
  scope => {
    const depth = scope.labels.indexOf(label);
    if (depth < 0) throw new Error(`there is no block ${label}`);
    return condition === undefined
      ? [0x0c, ...unsigned(depth)]
      : [...value(condition)(scope), 0x0d, ...unsigned(depth)];
  };
export const leave = branch;
export const again = branch;

/** All parameters, locals and the result are i32. A function always ends with `give`. */
export type WasmFunction = {
  name: string;
  parameters: readonly string[];
  locals: readonly string[];
  body: readonly Code[];
};

const i32 = 0x7f;
const vector = (items: readonly number[][]): number[] => [...unsigned(items.length), ...items.flat()];
const sized = (bytes: readonly number[]): number[] => [...unsigned(bytes.length), ...bytes];
const text = (of: string): number[] => sized(Array.from(Buffer.from(of)));
const section = (id: number, items: readonly number[][]): number[] => [id, ...sized(vector(items))];

/** A module that exports its functions and imports its memory as `weir.memory`. */
export function wasmModule(functions: readonly WasmFunction[]): Uint8Array<ArrayBuffer> {
  const indexes = new Map(functions.map(({ name }, i) => [name, i]));
  const bodyOf = ({ parameters, locals, body }: WasmFunction): number[] => {
    const scope = {
      locals: new Map([...parameters, ...locals].map((name, i) => [name, i])),
      functions: indexes,
      labels: [],
    };
    return sized([...vector([[...unsigned(locals.length), i32]]), ...all(scope, body), 0x00, 0x0b]);
  };
  return Uint8Array.from([
    0x00,
    0x61,
    0x73,
    0x6d,
    0x01,
    0x00,
    0x00,
    0x00,
    ...section(
      1,
      functions.map(f => [0x60, ...vector(f.parameters.map(() => [i32])), ...vector([[i32]])]),
    ),
    ...section(2, [[...text('weir'), ...text('memory'), 0x02, 0x00, 0x00]]),
    ...section(
      3,
      functions.map((_, i) => unsigned(i)),
    ),
    ...section(
      7,
      functions.map(({ name }, i) => [...text(name), 0x00, ...unsigned(i)]),
    ),
    ...section(10, functions.map(bodyOf)),
  ]);
}
