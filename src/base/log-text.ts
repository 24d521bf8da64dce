const hidden = new Set(['level', 'time', 'pid', 'name', 'msg', 'v']);
const names: Record<number, string> = { 10: 'trace', 20: 'debug', 30: 'info', 40: 'warn', 50: 'error', 60: 'fatal' };
const colours: Record<string, number> = { warn: 33, error: 31, fatal: 31 };

/** A value on one line; texts without their quotes where they need none. */
function valueText(value: unknown): string {
  if (typeof value === 'string') return /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
  return JSON.stringify(value);
}

const two = (value: number, width = 2): string => String(value).padStart(width, '0');

/**
 * A line of Weir's own log for people: `14:05:10.123 warn  what happened  field=value`, local time, stack traces of errors and lists of texts below. What is no line of
 * the log stays as it is.
 */
export function logText(line: string, colour: boolean): string {
  let entry: Record<string, unknown>;
  try {
    entry = JSON.parse(line) as Record<string, unknown>;
  } catch {
    return line;
  }
  const paint = (code: number, text: string): string => (colour ? `\u001b[${code}m${text}\u001b[0m` : text);
  const at = new Date(Number(entry.time));
  const clock = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${two(at.getMilliseconds(), 3)}`;
  const level = names[Number(entry.level)] ?? String(entry.level);
  let fields = '';
  let below = '';
  for (const [name, value] of Object.entries(entry)) {
    if (hidden.has(name)) continue;
    const stack = (value as { stack?: unknown } | null)?.stack;
    if (typeof stack === 'string') below += `${stack.replace(/^/gm, '    ')}\n`;
    else if (Array.isArray(value) && value.every(each => typeof each === 'string'))
      below += value.map(each => `    ${paint(2, each)}\n`).join('');
    else fields += `${fields && ' '}${name}=${valueText(value)}`;
  }
  const label = colours[level] === undefined ? level.padEnd(5) : paint(colours[level], level.padEnd(5));
  return `${paint(2, clock)} ${label} ${typeof entry.msg === 'string' ? entry.msg : ''}${fields && `  ${paint(2, fields)}`}\n${below}`;
}
