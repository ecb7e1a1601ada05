import { SecretBox } from '../../src/domain/secret-box.ts';

/** The secret key of the servers of tests. */
export const SECRET_KEY = 'secret-key-of-the-tests-0123456789';

/** The encryption of the servers that tests build themselves. */
export const SECRET_BOX = new SecretBox(SECRET_KEY);
