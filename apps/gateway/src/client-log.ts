import type { ClientObserver } from '@holdfast/client';
import type { Logger } from '@holdfast/telemetry';

/** The client's events as log lines: the loss of a node once, not at every try to reach it again. */
export function logClient(log: Logger): ClientObserver {
  const lost = new Set<string>();
  return {
    connected(address, node) {
      const level = lost.delete(address) ? 'info' : 'debug';
      log[level]({ address, node }, 'connected to a node');
    },
    disconnected(address, node, reason) {
      // Closing the client ends its connections: nothing to report.
      const level = reason.code === 'HF_CANCELLED' || lost.has(address) ? 'debug' : 'warn';
      lost.add(address);
      log[level]({ address, node, reason: reason.message }, 'lost the connection to a node');
    },
    leaderFound(range, node) {
      log.debug({ range, node }, 'found the leader of a range');
    },
    leaderLost(range, node) {
      log.debug({ range, node }, 'lost the leader of a range');
    },
    mapLearned(generation) {
      log.debug({ generation }, 'learned the range map');
    },
  };
}
