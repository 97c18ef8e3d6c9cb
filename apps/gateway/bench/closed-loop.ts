import { connect, type Socket } from 'node:net';

export interface ClosedLoop {
  readonly port: number;
  /** One whole HTTP request, sent over and over. */
  readonly request: string;
  readonly requests: number;
  /** Each has one request under way. */
  readonly connections: number;
  /** Every answer holds it; each comes in one piece. */
  readonly expected: string;
}

/** Sends the requests on keep-alive connections, each the next one as soon as it has its answer. */
export async function closedLoop({
  port,
  request,
  requests,
  connections,
  expected,
}: ClosedLoop): Promise<void> {
  let left = requests;
  const one = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const socket: Socket = connect(port, '127.0.0.1', () => socket.write(request));
      socket.on('error', reject);
      socket.on('data', (chunk) => {
        if (!chunk.toString('latin1').includes(expected)) {
          socket.destroy(new Error(chunk.toString()));
          return;
        }
        left -= 1;
        if (left >= connections) socket.write(request);
        else socket.end(() => resolve());
      });
    });
  await Promise.all(Array.from({ length: connections }, one));
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
