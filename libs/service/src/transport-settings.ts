import { z } from 'zod';

/** A token between processes of the cluster: no comma, which separates two of them. */
export const nodeTokenSetting = z
  .string()
  .regex(/^[\x21-\x2b\x2d-\x7e]{16,512}$/, '16 to 512 visible ASCII characters without a comma');

const pem = z.string().regex(/^-----BEGIN /, 'PEM');

/** Mutual TLS on the connections to data nodes and between them: all three or none. */
export const tlsSettings = {
  tlsCert: pem
    .optional()
    .describe('This process’s certificate for TLS with data nodes, PEM: best as HOLDFAST_TLS_CERT_FILE.'),
  tlsKey: pem
    .optional()
    .describe('The private key of that certificate, PEM. A secret: as a file, HOLDFAST_TLS_KEY_FILE.'),
  tlsCa: pem
    .optional()
    .describe('The authority that signs the certificates of the cluster, PEM: best as HOLDFAST_TLS_CA_FILE.'),
};

interface TlsSettings {
  readonly tlsCert?: string | undefined;
  readonly tlsKey?: string | undefined;
  readonly tlsCa?: string | undefined;
}

/** Refinement of a schema with {@link tlsSettings}: half an identity is a mistake, not a wish for none. */
export function isWholeTls({ tlsCert, tlsKey, tlsCa }: TlsSettings): boolean {
  return (
    (tlsCert === undefined) === (tlsKey === undefined) && (tlsKey === undefined) === (tlsCa === undefined)
  );
}

/** What {@link isWholeTls} says when it does not hold. */
export const WHOLE_TLS = { error: 'tlsCert, tlsKey and tlsCa: all three or none', path: ['tlsKey'] };

/** The identity for a network; undefined when connections are in clear. */
export function tlsOf({
  tlsCert: cert,
  tlsKey: key,
  tlsCa: ca,
}: TlsSettings): { readonly cert: string; readonly key: string; readonly ca: string } | undefined {
  return cert === undefined || key === undefined || ca === undefined ? undefined : { cert, key, ca };
}
