import { Secret, TOTP } from 'otpauth';

/** Computes the code that an authenticator app shows in a time step. Steps are 30 seconds long, counted from 1970. */
export function totpCode(secret: string, step: number): string {
  return TOTP.generate({ secret: Secret.fromBase32(secret), timestamp: step * 30_000 });
}
