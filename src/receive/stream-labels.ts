import { serviceNameLabels, unknownService } from '../base/fields.ts';
import { WeirError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { type ByteString, bytesOf, fromText, jsonString, toText } from './byte-string.ts';

/** Labels of a stream that cannot be: the message says why. */
export class LabelFault extends Error {}

export type Labels = Map<ByteString, ByteString>;

const nameAt = /\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*/y;
const doubleQuoted = /"((?:[^"\\\n]|\\.)*)"\s*/y;
const backQuoted = /`([^`]*)`\s*/y;
const goEscape = /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|(.))/g;
const goLetters: Record<string, string> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  '"': '"',
};

/** The content of a Go string literal. Throws {@link LabelFault} for an unknown escape. */
function unquote(text: ByteString): ByteString {
  if (!text.includes('\\')) return text;
  return text.replace(goEscape, (_, hex?: string, four?: string, eight?: string, octal?: string, letter?: string) => {
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
    if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8) & 0xff);
    const point = four ?? eight;
    if (point !== undefined) {
      const code = Number.parseInt(point, 16);
      if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) throw new LabelFault(`\\u${point} is no character`);
      return fromText(String.fromCodePoint(code));
    }
    const plain = goLetters[letter ?? ''];
    if (plain === undefined) throw new LabelFault(`unknown escape \\${letter}`);
    return plain;
  });
}

/** Labels of a text such as `{app="web", env="prod"}`. Throws {@link LabelFault} with the byte where it stops to make sense. */
export function parseLabels(text: ByteString): Labels {
  const labels: Labels = new Map();
  const at = (index: number): string => `labels ${JSON.stringify(toText(text.slice(0, 200)))}: byte ${index + 1}`;
  let i = /^\s*\{\s*/.exec(text)?.[0].length ?? -1;
  if (i < 0) throw new LabelFault(`${at(0)}: { is expected`);
  while (text[i] !== '}') {
    nameAt.lastIndex = i;
    const name = nameAt.exec(text);
    if (name?.[1] === undefined) throw new LabelFault(`${at(i)}: a label name and = are expected`);
    const quoted = text[nameAt.lastIndex] === '`' ? backQuoted : doubleQuoted;
    quoted.lastIndex = nameAt.lastIndex;
    const value = quoted.exec(text);
    if (value?.[1] === undefined) throw new LabelFault(`${at(nameAt.lastIndex)}: a value in quotes is expected`);
    if (labels.has(name[1])) throw new LabelFault(`${at(i)}: label ${name[1]} is there twice`);
    labels.set(name[1], quoted === backQuoted ? value[1] : unquote(value[1]));
    i = quoted.lastIndex;
    if (text[i] === ',') i++;
    else if (text[i] !== '}') throw new LabelFault(`${at(i)}: a comma or } is expected`);
  }
  if (text.slice(i + 1).trim() !== '') throw new LabelFault(`${at(i + 1)}: text after }`);
  return labels;
}

/** The first of Loki's list that is there, else `unknown_service`. */
export function addServiceName(labels: Labels): void {
  if (labels.has('service_name')) return;
  const source = serviceNameLabels.find(name => labels.has(name));
  labels.set('service_name', (source && labels.get(source)) ?? unknownService);
}

/**
 * Make `labels` those of a stream: empty values dropped, names and sizes checked, `service_name` added, also where there are none, as in Loki. Throws {@link LabelFault}.
 */
export function checkLabels(labels: Labels): Labels {
  for (const [name, value] of labels) {
    if (value === '') labels.delete(name);
    else if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name))
      throw new LabelFault(
        `label name ${JSON.stringify(toText(name.slice(0, 200)))}: use letters, digits and _, not a digit first`,
      );
    else if (name.length > limits.labelNameBytesMax)
      throw new LabelFault(`label name of ${name.length} bytes, at most ${limits.labelNameBytesMax}`);
    else if (value.length > limits.labelValueBytesMax)
      throw new LabelFault(`label ${name}: value of ${value.length} bytes, at most ${limits.labelValueBytesMax}`);
  }
  if (labels.size > limits.streamLabelsMax)
    throw new LabelFault(`${labels.size} labels in one stream, at most ${limits.streamLabelsMax}`);
  addServiceName(labels);
  return labels;
}

/** `"name":` of the names of labels and metadata, which are few and come with every record. */
const quotedNames = new Map<ByteString, ByteString>();
const quotedNamesMax = 10_000;

function quotedName(name: ByteString): ByteString {
  let quoted = quotedNames.get(name);
  if (quoted === undefined) {
    quoted = `${JSON.stringify(name)}:`;
    if (quotedNames.size >= quotedNamesMax) quotedNames.clear();
    if (name.length <= 256) quotedNames.set(name, quoted);
  }
  return quoted;
}

/** JSON text of an object of texts. */
export function jsonObject(pairs: Iterable<readonly [ByteString, ByteString]>): ByteString {
  let text = '';
  for (const [name, value] of pairs) text += `${text === '' ? '{' : ','}${quotedName(name)}${jsonString(value)}`;
  return text === '' ? '{}' : `${text}}`;
}

/** Set `name`, or `name_2`, `name_3` when it is taken by another value: nothing a sender gave is dropped. */
export function setFree(pairs: Map<ByteString, ByteString>, name: ByteString, value: ByteString): void {
  let free = name;
  for (let k = 2, held = pairs.get(free); held !== undefined && held !== value; held = pairs.get(free), k++)
    free = `${name}_${k}`;
  pairs.set(free, value);
}

/** JSON of an object for quarantine, when its bytes cannot be cut out of the body. Throws `bad_request` when it is nested past the stack. */
export function rawJson(value: unknown): Buffer {
  try {
    return bytesOf(JSON.stringify(value));
  } catch (error) {
    throw new WeirError('bad_request', { reason: 'the body is nested too deeply' }, { cause: error });
  }
}
