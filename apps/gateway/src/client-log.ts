import type { ClientObserver } from '@holdfast/client';
import type { Logger } from '@holdfast/telemetry';

/** The client's events as log lines. */
export function logClient(log: Logger): ClientObserver {
  return {
    connected(address, node) {
      log.debug({ address, node }, 'connected to a node');
    },
    disconnected(address, node, reason) {
      // Closing the client ends its connections: nothing to report.
      const level = reason.code === 'HF_CANCELLED' ? 'debug' : 'info';
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
