/** The cluster said no, or nobody answered. */
export class ClusterError extends Error {
  override readonly name = 'ClusterError';
  readonly code: string;
  /** Of the HTTP answer, or that of the code; 0 when nobody answered. */
  readonly status: number;
  readonly retryable: boolean;
  readonly outcome: string;
  /** Everything that was told, for `--json`. */
  readonly problem: Readonly<Record<string, unknown>>;

  constructor(problem: Readonly<Record<string, unknown>>) {
    const status = Number(problem['status'] ?? 0);
    const code = textOf(problem['code']) ?? `HTTP ${status}`;
    const outcome = textOf(problem['outcome']) ?? 'unknown';
    const what = textOf(problem['detail']) ?? textOf(problem['title']) ?? 'no answer that is understood';
    super(`${code}: ${what} (outcome: ${outcome})`);
    this.code = code;
    this.status = status;
    this.outcome = outcome;
    this.retryable = problem['retryable'] === true;
    this.problem = problem;
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** How commands end, for scripts. The table of `docs/guide/cli.md`. */
export const EXIT = {
  done: 0,
  /** The cluster refused, and would refuse again. */
  refused: 1,
  /** The command line, the configuration or the input is wrong. */
  usage: 2,
  /** The key, keyspace or resource does not exist. */
  notFound: 3,
  /** No valid token, or it does not grant this. */
  access: 4,
  /** It may have happened, or may still. */
  unknown: 5,
  /** Nobody answered. */
  unreachable: 69,
  /** Nothing happened; the same may succeed later. */
  tryAgain: 75,
} as const;

export function exitCodeOf(error: unknown): number {
  if (!(error instanceof ClusterError)) return EXIT.usage;
  const { status, outcome, retryable } = error;
  if (status === 0) return EXIT.unreachable;
  if (status === 401 || status === 403) return EXIT.access;
  if (status === 404) return EXIT.notFound;
  if (outcome === 'unknown') return EXIT.unknown;
  return retryable ? EXIT.tryAgain : EXIT.refused;
}
