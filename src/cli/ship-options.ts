import { CliError, exitCode } from './exit-code.ts';
import { durationSeconds } from './time.ts';

export type LabelOptions = {
  service?: string;
  label: string[];
  timeField?: string;
  timeUnit?: string;
  messageField?: string;
  labelFields?: string;
};

/** Query parameters of `/ingest/*` for what the user said about the lines. Throws a CliError (usage) for a label that is not `name=value`. */
export function ingestParameters(options: LabelOptions): Record<string, string> {
  const parameters: Record<string, string> = {};
  if (options.service !== undefined) parameters.service = options.service;
  for (const label of options.label) {
    const match = /^([a-zA-Z_]\w*)=(.*)$/s.exec(label);
    if (!match?.[1])
      throw new CliError(exitCode.usage, `--label "${label}" is not name=value with a name of letters, digits and _`);
    parameters[`label.${match[1]}`] = match[2] ?? '';
  }
  if (options.timeField !== undefined) parameters.time_field = options.timeField;
  if (options.timeUnit !== undefined) parameters.time_unit = options.timeUnit;
  if (options.messageField !== undefined) parameters.message_field = options.messageField;
  if (options.labelFields !== undefined) parameters.label_fields = options.labelFields;
  return parameters;
}

/** Milliseconds of a duration option. Throws a CliError (usage). */
export function durationOption(name: string, text: string): number {
  if (text === '0') return 0;
  const seconds = durationSeconds(text);
  if (seconds === undefined)
    throw new CliError(exitCode.usage, `${name} "${text}" is no duration; write 30s or 5m, or 0 for ever`);
  return seconds * 1000;
}
