/** Matches the codes with which OpenSSL says that it does not trust the authority of a certificate. */
const UNTRUSTED = /^(UNABLE_TO_|SELF_SIGNED_CERT|DEPTH_ZERO_SELF_SIGNED_CERT)/;

/** Whether an error code says that the authority of a certificate is not trusted. */
export function isUntrustedCertificate(code: string): boolean {
  return UNTRUSTED.test(code);
}
