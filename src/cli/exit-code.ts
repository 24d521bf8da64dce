/** What a command says to the script that called it. */
export const exitCode = {
  /** Matched, or done. */
  done: 0,
  /** Nothing matched, as grep; for `doctor`: a problem was found. */
  noMatch: 1,
  /** Bad usage or a query that has to be changed. */
  usage: 2,
  /** No connection, no permission, or a server that cannot answer now. */
  connection: 3,
  /** What was printed or sent is not everything. */
  partial: 4,
  /** Ctrl+C. */
  interrupted: 130,
} as const;

/** A failure that the user is told about on stderr; `exit` is one of {@link exitCode}. */
export class CliError extends Error {
  readonly exit: number;

  constructor(exit: number, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'CliError';
    this.exit = exit;
  }
}
