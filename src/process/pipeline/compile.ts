import type { PipelineStep } from '../../base/config.ts';
import { drop, filter } from './drop.ts';
import { parseJson } from './parse-json.ts';
import { parseRegex } from './parse-regex.ts';
import { redact } from './redact.ts';
import { rename } from './rename.ts';
import { sample } from './sample.ts';
import { remove, set } from './set.ts';
import type { Step } from './step.ts';

/** A LogQL condition as a SQL boolean over the columns of a record; throws WeirError `bad_query` with position. Made by the language room. */
export type CompileCondition = (logql: string) => string;

/** The configured steps, ready to be put around a SELECT of record columns. */
export type Pipeline = {
  /** Names of the steps (`<position>:<kind>`); a row dropped by step n has the verdict n (from 1). */
  names: readonly string[];
  /** True when some step drops rows: only then rows carry a `verdict`. */
  drops: boolean;
  /** Wrap a SELECT of record columns (with `verdict` when `drops`). */
  wrap(sql: string): string;
};

function stepsOf(step: PipelineStep, compile: CompileCondition): Step[] {
  const when = (condition: string | undefined): string => (condition === undefined ? '1' : `(${compile(condition)})`);
  switch (step.step) {
    case 'drop':
      return [drop(compile(step.where))];
    case 'filter':
      return [filter(compile(step.where))];
    case 'set':
      return [set(step.field, step.value, when(step.where))];
    case 'rename':
      return rename(step.from, step.to);
    case 'remove':
      return [remove(step.field)];
    case 'parse_json':
      return [parseJson(step.field, step.prefix)];
    case 'parse_regex':
      return [parseRegex(step.field, step.regex)];
    case 'redact':
      return redact(step.fields, step.kinds, step.regex, step.replacement);
    case 'sample':
      return [sample(step.key, step.keep, when(step.where))];
  }
}

/** Compile once at start, so that a bad condition is found before the first record. An empty pipeline adds nothing to the statement. */
export function compilePipeline(config: readonly PipelineStep[], compile: CompileCondition): Pipeline {
  const steps = config.flatMap((step, i) => stepsOf(step, compile).map(compiled => ({ compiled, verdict: i + 1 })));
  return {
    names: config.map((step, i) => `${i + 1}:${step.step}`),
    drops: steps.some(s => s.compiled.drops !== undefined),
    wrap: sql =>
      steps.reduce((inner, { compiled, verdict }) => {
        const changes =
          compiled.drops === undefined
            ? compiled.changes
            : { verdict: `if(verdict = 0 AND (${compiled.drops}), toUInt16(${verdict}), verdict)` };
        const replaced = Object.entries(changes).map(([column, value]) => `${value} AS ${column}`);
        return `SELECT * REPLACE (${replaced.join(', ')}) FROM (${inner})`;
      }, sql),
  };
}
