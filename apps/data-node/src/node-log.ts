import type { Fatal } from '@holdfast/service';
import type { NodeObserver } from '@holdfast/store';
import type { Logger } from '@holdfast/telemetry';
import { ProtocolError } from '@holdfast/wire';

/** The node's events as log lines; what ends the node ends the process. */
export function logNode(log: Logger, fatal: Fatal): NodeObserver {
  return {
    role(range, role, term, leader) {
      const fields = { range, role, term, leader };
      if (role === 'leader') log.info(fields, 'leads a range');
      else log.debug(fields, 'role changed');
    },
    recovered(range, { applied, last }) {
      log.debug({ range, applied, last }, 'recovered a range');
    },
    tree(event) {
      if (event.type === 'corruption') log.error({ err: event.error }, 'damaged data on disk');
      else log.debug(event, 'storage');
    },
    disconnected(remoteAddress, peer, reason) {
      if (!(reason instanceof ProtocolError)) return;
      const { violation, detail } = reason;
      log.warn({ remoteAddress, peer, violation, detail }, 'a peer broke the protocol and was disconnected');
    },
    fatal(error) {
      fatal('the node can not go on', error);
    },
  };
}
