/** The part of a node's `/status` that is read here. */
export interface NodeStatus {
  readonly ready: boolean;
  readonly ranges: readonly {
    readonly id: number;
    readonly role: string;
    readonly leader: number;
    readonly commit: number;
    readonly applied: number;
    readonly last: number;
  }[];
}

const ANSWER_MS_MAX = 1_000;

/** @throws when the node does not answer in time. */
export async function fetchStatus(url: string): Promise<NodeStatus> {
  const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS_MAX) });
  return (await response.json()) as NodeStatus;
}
