import { choose, not } from './row.ts';
import { withNames } from './scope.ts';
import { quoteString } from './sql-writer.ts';
import { timeText } from './template-time.ts';
import { floatText, type TemplateContext, type TemplateValue, text, typeName } from './template-values.ts';

/** Arrays and objects inside of two others are printed as JSON. */
const jsonDepthMax = 2;

/** A JSON value as Go prints what its parser makes of it: `map[a:1 b:x]`, `[1 2]`, floats, `<nil>` inside and `<no value>` alone. */
function jsonText(j: string, depth = 0): string {
  const nil = depth === 0 ? "'<no value>'" : "'<nil>'";
  const digits = depth === 0 ? floatText(`toFloat64OrZero(${j})`) : `toString(toFloat64OrZero(${j}))`;
  const scalar = `${j} IN ('', 'null'), ${nil}, startsWith(${j}, '"'), JSONExtractString(${j}), match(${j}, '^-?[0-9]'), ${digits}`;
  if (depth > jsonDepthMax) return `multiIf(${scalar}, ${j})`;
  const members = `arraySort(p -> p.1, JSONExtractKeysAndValuesRaw(${j}))`;
  const pairs = `if(startsWith(${j}, '{'), arrayMap(p -> (concat(p.1, ':'), p.2), ${members}), arrayMap(x -> ('', x), JSONExtractArrayRaw(${j})))`;
  const [p, v] = [`p${depth}`, `v${depth}`];
  const each = `arrayMap(${p} -> concat(${p}.1, arrayMap(${v} -> ${jsonText(v, depth + 1)}, [${p}.2])[1]), ${pairs})`;
  const all = `concat(if(startsWith(${j}, '{'), 'map[', '['), arrayStringConcat(${each}, ' '), ']')`;
  return `multiIf(${scalar}, match(${j}, '^[\\\\[{]'), ${all}, ${j})`;
}

/** How Go prints a value. */
export function printed(value: TemplateValue, context: Pick<TemplateContext, 'bind'>): string {
  const { sql, type } = value;
  switch (type) {
    case 'string':
    case 'any':
      return sql;
    case 'int':
    case 'int64':
      return `toString(${sql})`;
    case 'float64':
      return floatText(sql);
    case 'bool':
      return `if(${sql}, 'true', 'false')`;
    case 'time':
      return timeText(value, context);
    case 'json':
      return withNames([sql], j => jsonText(j));
    case 'labels':
      return `concat('map[', arrayStringConcat(arrayMap((k, v) -> concat(k, ':', v), mapKeys(${sql}), mapValues(${sql})), ' '), ']')`;
    case 'nil':
      return "'<no value>'";
  }
}

/** Whether a value counts as true in `if`, `and`, `or`, `not` and `default`. */
export function truthOf({ sql, type, truth }: TemplateValue): string {
  if (truth !== undefined) return truth;
  switch (type) {
    case 'string':
    case 'any':
      return `${sql} != ''`;
    case 'bool':
      return sql;
    case 'time':
      return '1';
    case 'labels':
      return `notEmpty(${sql})`;
    case 'json':
      return `${sql} NOT IN ('', 'null', 'false', '""', '[]', '{}') AND NOT match(${sql}, '^-?0+(\\.0*)?$')`;
    case 'nil':
      return '0';
    default:
      return `${sql} != 0`;
  }
}

/** One of two values; where their types differ, the text of either. */
export function either(
  condition: string,
  a: TemplateValue,
  b: TemplateValue,
  context: Pick<TemplateContext, 'bind'>,
): TemplateValue {
  if (a.type === b.type && a.zone === b.zone && a.truth === undefined && b.truth === undefined)
    return { sql: choose(condition, a.sql, b.sql), type: a.type, ...(a.zone !== undefined && { zone: a.zone }) };
  return {
    sql: choose(condition, printed(a, context), printed(b, context)),
    type: 'any',
    truth: `((${condition}) AND (${truthOf(a)})) OR (${not(condition)} AND (${truthOf(b)}))`,
  };
}

const isNone = ({ sql }: TemplateValue): string => `${sql} IN ('', 'null')`;

/** A value given to a function that prints: nothing is `<nil>` there, not `<no value>`. */
function argument(value: TemplateValue, context: Pick<TemplateContext, 'bind'>): string {
  if (value.type === 'nil') return "'<nil>'";
  const written = printed(value, context);
  return value.type === 'json' ? choose(isNone(value), "'<nil>'", written) : written;
}

/** `print`: texts of all values, with a blank between two of which neither is a string. */
export function print(values: readonly TemplateValue[], context: TemplateContext): TemplateValue {
  const written = values.flatMap((value, i) => {
    const before = values[i - 1];
    const blank = before && before.type !== 'string' && value.type !== 'string' ? ["' '"] : [];
    return [...blank, argument(value, context)];
  });
  return text(`concat('', ${written.join(', ') || "''"})`);
}

/** `println`: a blank between all, and a line feed. */
export function println(values: readonly TemplateValue[], context: TemplateContext): TemplateValue {
  const written = values.flatMap((value, i) => [...(i > 0 ? ["' '"] : []), argument(value, context)]);
  return text(`concat(${[...written, "'\\n'", "''"].join(', ')})`);
}

/** Go's strconv.Quote for text that is UTF-8 without exotic control characters. */
const quoted = (sql: string): string => {
  const escaped = [
    ['\\\\', '\\\\\\\\'],
    ['"', '\\\\"'],
    ['\\n', '\\\\n'],
    ['\\t', '\\\\t'],
    ['\\r', '\\\\r'],
    ['\\0', '\\\\x00'],
    ['\\x1b', '\\\\x1b'],
  ].reduce((rest, [from, to]) => `replaceAll(${rest}, '${from}', '${to}')`, sql);
  return `concat('"', ${escaped}, '"')`;
};

type Verb = { whole: string; flags: string; width: string; precision: string | undefined; verb: string };

function padded(sql: string, { flags, width }: Verb): string {
  if (width === '') return sql;
  if (flags.includes('-')) return `rightPadUTF8(${sql}, greatest(lengthUTF8(${sql}), ${width}), ' ')`;
  const fill = flags.includes('0') ? "'0'" : "' '";
  return `leftPadUTF8(${sql}, greatest(lengthUTF8(${sql}), ${width}), ${fill})`;
}

/** One verb of a format with its value. */
function formattedValue(verb: Verb, value: TemplateValue, context: TemplateContext): string {
  const none = verb.verb === 'v' ? padded("'<nil>'", verb) : quoteString(`%!${verb.verb}(<nil>)`);
  if (value.type === 'nil') return none;
  const some = formattedSome(verb, value, context);
  return value.type === 'json' ? choose(isNone(value), none, some) : some;
}

function formattedSome(verb: Verb, value: TemplateValue, context: TemplateContext): string {
  const { whole, flags, precision } = verb;
  const isText = value.type === 'string' || value.type === 'any' || value.type === 'time';
  const isInt = value.type === 'int' || value.type === 'int64';
  const isFloat = value.type === 'float64' || value.type === 'json';
  const cut = (sql: string): string => (precision === undefined ? sql : `substringUTF8(${sql}, 1, ${precision || 0})`);
  const wrong = `concat('%!${verb.verb}(${typeName(value)}=', ${printed(value, context)}, ')')`;
  switch (verb.verb) {
    case 'v':
      return padded(context.bind(isText ? cut(printed(value, context)) : printed(value, context)), verb);
    case 's':
      return isText || value.type === 'json' ? padded(context.bind(cut(printed(value, context))), verb) : wrong;
    case 'q':
      if (isInt) throw context.fault(`printf: ${whole} of a number is not supported`);
      return isText ? padded(context.bind(quoted(cut(printed(value, context)))), verb) : wrong;
    case 't':
      return value.type === 'bool' ? padded(context.bind(printed(value, context)), verb) : wrong;
    case 'd':
      if (value.isKey) {
        const place = `printf(${quoteString(`%${flags}${verb.width}lld`)}, toInt64OrZero(${value.sql}))`;
        return choose(`startsWith(${value.sql}, '"')`, `concat('%!d(string=', ${printed(value, context)}, ')')`, place);
      }
      return isInt ? `printf(${quoteString(`%${flags}${verb.width}lld`)}, toInt64(${value.sql}))` : wrong;
    case 'x':
    case 'X': {
      const fold = verb.verb === 'x' ? 'lower' : 'upper';
      if (isText) return padded(context.bind(`${fold}(hex(toString(${printed(value, context)})))`), verb);
      return isInt ? `printf(${quoteString(`%${flags}${verb.width}ll${verb.verb}`)}, toInt64(${value.sql}))` : wrong;
    }
    default: {
      if (!isFloat) return wrong;
      const float = value.type === 'json' ? `toFloat64OrZero(${value.sql})` : value.sql;
      if (verb.verb === 'g' && precision === undefined) return padded(context.bind(floatText(float)), verb);
      const digits = precision === undefined ? '' : `.${precision || 0}`;
      return `printf(${quoteString(`%${flags}${verb.width}${digits}${verb.verb}`)}, toFloat64(${float}))`;
    }
  }
}

const verbs = ['v', 's', 'q', 't', 'd', 'x', 'X', 'f', 'e', 'g'];

/** `printf` with a format written in the template. */
export function printf([format, ...values]: readonly TemplateValue[], context: TemplateContext): TemplateValue {
  if (format?.constant === undefined || format.type !== 'string')
    throw context.fault('printf: the format must be written in the template');
  const pieces: string[] = [];
  let read = 0;
  let next = 0;
  const whole = format.constant;
  for (const found of whole.matchAll(/%([-+# 0]*)(\d*)(?:\.(\d*))?([\s\S]?)/g)) {
    const [text = '', flags = '', width = '', precision, verb = ''] = found;
    pieces.push(quoteString(whole.slice(read, found.index)));
    read = found.index + text.length;
    if (verb === '%') pieces.push("'%'");
    else if (verb === '') pieces.push("'%!(NOVERB)'");
    else if (!verbs.includes(verb) || Number(width) > 1000 || Number(precision) > 1000)
      throw context.fault(`printf: ${text} is not supported; use one of ${verbs.map(v => `%${v}`).join(' ')}`);
    else {
      const value = values[next++];
      pieces.push(
        value === undefined
          ? quoteString(`%!${verb}(MISSING)`)
          : formattedValue({ whole: text, flags, width, precision, verb }, value, context),
      );
    }
  }
  pieces.push(quoteString(whole.slice(read)));
  const extra = values.slice(next).map(value => `concat('${typeName(value)}=', ${printed(value, context)})`);
  if (extra.length > 0)
    pieces.push("'%!(EXTRA '", ...extra.flatMap((sql, i) => (i > 0 ? ["', '", sql] : [sql])), "')'");
  return text(`concat('', ${pieces.filter(p => p !== "''").join(', ') || "''"})`);
}
