import { isIP } from 'node:net';
import { createSecureContext } from 'node:tls';

/** Who this process is towards its peers, and whom it believes. All in PEM. */
export interface TlsIdentity {
  /** The certificate, and those between it and the authority if there are any. */
  readonly cert: string;
  readonly key: string;
  /** Certificates of the authorities whose peers are believed: usually the one authority of the cluster. */
  readonly ca: string;
}

/** TLS 1.3 and no other: both ends of every connection are of this project. */
export const TLS_VERSION = 'TLSv1.3' as const;

/** @throws Error when key and certificate do not fit together, or are none. */
export function checkTlsIdentity(identity: TlsIdentity): void {
  createSecureContext({ ...identity, minVersion: TLS_VERSION });
}

/** What the certificate at the other end is held against: an address has no server name (RFC 6066, section 3). */
export function serverName(host: string): string {
  return isIP(host) === 0 ? host : '';
}
