import { WeirError } from '../../base/errors.ts';
import { quoteString } from '../../language/sql-writer.ts';
import { mapType } from '../service.ts';
import { fieldText } from './field.ts';
import type { Step } from './step.ts';

/** Name of each capture group in order, undefined for groups without one. */
export function captureNames(regex: string): (string | undefined)[] {
  const names: (string | undefined)[] = [];
  let inClass = false;
  for (let i = 0; i < regex.length; i++) {
    const char = regex[i];
    if (char === '\\') i++;
    else if (char === '[') inClass = true;
    else if (char === ']') inClass = false;
    else if (char === '(' && !inClass) {
      const rest = regex.slice(i + 1);
      const name = /^\?P?<([A-Za-z_]\w*)>/.exec(rest)?.[1];
      if (name !== undefined || !rest.startsWith('?')) names.push(name);
    }
  }
  return names;
}

/** Named groups become attributes where the expression (RE2) matches. */
export function parseRegex(field: string, regex: string): Step {
  const names = captureNames(regex);
  if (!names.some(n => n !== undefined))
    throw new WeirError('config_invalid', {
      reason: `pipeline: parse_regex "${regex}" has no named group; write (?P<name>...) around what should become an attribute`,
    });
  // RE2 of the engine knows the older spelling only.
  const re2 = regex.replace(/\(\?<(?=[A-Za-z_])/g, '(?P<');
  const groups = `extractGroups(${fieldText(field)}, ${quoteString(re2)})`;
  const entries = names.flatMap((name, i) => (name === undefined ? [] : [quoteString(name), `${groups}[${i + 1}]`]));
  return {
    changes: {
      attributes: `if(empty(${groups}), attributes, mapUpdate(attributes, CAST(map(${entries.join(', ')}), '${mapType}')))`,
    },
  };
}
