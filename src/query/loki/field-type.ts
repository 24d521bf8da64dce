/** Types of fields as Loki names them. */
export type FieldType = 'int' | 'float' | 'boolean' | 'duration' | 'bytes' | 'string';

const number = /^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$/;
const duration = /^[-+]?((\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h))+$/;
const bytes = /^(\d+\.?\d*|\.\d+)\s*([kmgtpe]i?b?|b)$/i;

/** The type of one value: the first of Loki's list that it can be read as. */
export function fieldTypeOf(value: string): FieldType {
  if (/^[-+]?\d{1,18}$/.test(value)) return 'int';
  if (number.test(value) || /^[-+]?(inf|infinity|nan)$/i.test(value)) return 'float';
  if (/^(true|false|TRUE|FALSE|True|False|[tTfF])$/.test(value)) return 'boolean';
  if (duration.test(value)) return 'duration';
  return bytes.test(value) ? 'bytes' : 'string';
}

/** The type of a field of several values: theirs when they agree, numbers of both kinds are floats, else text. */
export function commonType(a: FieldType, b: FieldType): FieldType {
  if (a === b) return a;
  const both = [a, b];
  return both.includes('int') && both.includes('float') ? 'float' : 'string';
}
