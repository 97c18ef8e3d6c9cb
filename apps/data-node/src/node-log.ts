import type { Fatal } from '@holdfast/service';
import type { NodeObserver } from '@holdfast/store';
import type { Logger } from '@holdfast/telemetry';
import { type ErrorCode, HoldfastError, ProtocolError } from '@holdfast/wire';
import type { Refusals } from './refusals.ts';

/** The node's events as log lines, and the connections it refused as counts; what ends the node ends the process. */
export function logNode(log: Logger, fatal: Fatal, refusals: Refusals): NodeObserver {
  /** What each peer said last: it is asked again every second. */
  const refusedBy = new Map<number, ErrorCode>();
  return {
    role(range, role, term, leader) {
      const fields = { range, role, term, leader };
      if (role === 'leader') log.info(fields, 'leads a range');
      else log.debug(fields, 'role changed');
    },
    recovered(range, { applied, last }) {
      log.debug({ range, applied, last }, 'recovered a range');
    },
    logCut(path, offset) {
      log.warn({ path, offset }, 'the last group of the log was torn or damaged, and is cut');
    },
    slowSync(elapsedMs, ranges) {
      log.warn({ elapsedMs, ranges }, 'the disk is slow: ranges led here are offered to others');
    },
    diskFull(ranges) {
      log.error({ ranges }, 'the disk is full: writes are refused, ranges led here are offered to others');
    },
    noRoomForSnapshot(range) {
      log.error(
        { range },
        'the disk is full: no room for a snapshot of a range, tried again in a few seconds',
      );
    },
    tree(event) {
      if (event.type === 'corruption') log.error({ err: event.error }, 'damaged data on disk');
      else log.debug(event, 'storage');
    },
    disconnected(remoteAddress, peer, reason) {
      if (reason instanceof ProtocolError) {
        const { violation, detail } = reason;
        refusals.count(violation);
        log.warn(
          { remoteAddress, peer, violation, detail },
          'a peer broke the protocol and was disconnected',
        );
      } else if (reason instanceof HoldfastError) {
        const { code, detail } = reason;
        refusals.count(code);
        log.warn({ remoteAddress, code, detail }, 'refused a connection');
      }
    },
    refusedBy(peer, code, detail) {
      if (refusedBy.get(peer) === code) return;
      refusedBy.set(peer, code);
      log.error({ peer, code, detail }, 'a peer does not speak with this node');
    },
    fatal(error) {
      fatal('the node can not go on', error);
    },
  };
}
