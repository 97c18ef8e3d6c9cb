import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { isIPv4 } from 'node:net';
import type { TlsIdentity } from '../src/tls-identity.ts';
import {
  bits,
  boolean,
  generalizedTime,
  integer,
  objectId,
  octets,
  sequence,
  set,
  tagged,
  utf8String,
} from './der.ts';

const ECDSA_WITH_SHA256 = sequence(objectId('1.2.840.10045.4.3.2'));
const DAY_MS = 24 * 60 * 60 * 1000;

export interface CertificateOptions {
  /** Names and IPv4 addresses of the owner. */
  readonly hosts?: readonly string[];
  readonly notAfter?: Date;
}

/** A certificate authority that lives as long as a test: real X.509 (RFC 5280), P-256, no tool but node:crypto. */
export class TestAuthority {
  readonly certificate: string;
  readonly #key: KeyObject;
  readonly #name: Uint8Array;
  #serial = 1;

  constructor(name = 'authority of a test') {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.#key = privateKey;
    this.#name = nameOf(name);
    const isAuthority = extension('2.5.29.19', sequence(boolean(true)), true);
    this.certificate = this.#certify(this.#name, publicKey, [isAuthority], new Date(Date.now() + DAY_MS));
  }

  /** Somebody whom those believe that believe this authority. */
  issue(name: string, { hosts = ['127.0.0.1'], notAfter }: CertificateOptions = {}): TlsIdentity {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const names = hosts.map((host) =>
      isIPv4(host)
        ? tagged(0x87, Uint8Array.from(host.split('.'), Number))
        : tagged(0x82, Buffer.from(host, 'ascii')),
    );
    const extensions = [extension('2.5.29.17', sequence(...names), false)];
    const until = notAfter ?? new Date(Date.now() + DAY_MS);
    return {
      cert: this.#certify(nameOf(name), publicKey, extensions, until),
      key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      ca: this.certificate,
    };
  }

  #certify(
    subject: Uint8Array,
    publicKey: KeyObject,
    extensions: readonly Uint8Array[],
    notAfter: Date,
  ): string {
    const notBefore = new Date(Math.min(Date.now(), notAfter.getTime()) - DAY_MS);
    const content = sequence(
      tagged(0xa0, integer(2)),
      integer(this.#serial++),
      ECDSA_WITH_SHA256,
      this.#name,
      sequence(generalizedTime(notBefore), generalizedTime(notAfter)),
      subject,
      publicKey.export({ type: 'spki', format: 'der' }),
      tagged(0xa3, sequence(...extensions)),
    );
    const signature = sign('sha256', content, this.#key);
    const certificate = sequence(content, ECDSA_WITH_SHA256, bits(signature));
    const lines =
      Buffer.from(certificate)
        .toString('base64')
        .match(/.{1,64}/g) ?? [];
    return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
  }
}

function nameOf(commonName: string): Uint8Array {
  return sequence(set(sequence(objectId('2.5.4.3'), utf8String(commonName))));
}

function extension(id: string, content: Uint8Array, critical: boolean): Uint8Array {
  return sequence(objectId(id), ...(critical ? [boolean(true)] : []), octets(content));
}
