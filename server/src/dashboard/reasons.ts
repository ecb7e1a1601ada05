import { entryOf } from '../entry-of.ts';

/** Why something was received and not counted, in words an owner can act on. */

export interface Reason {
  name: string;
  /** What it means. */
  meaning: string;
  /** What to do about it. */
  advice: string;
  /** Whether allowing the host that was seen would count it. */
  allowable: boolean;
}

const REASONS: Readonly<Record<string, Reason>> = {
  'wrong-domain': {
    name: 'Another domain',
    meaning: 'A page on this host carries your site key, but the host is not among those of the site.',
    advice:
      'If it is yours (a staging copy, a second domain), allow it. If not, somebody copied your pages: nothing to do.',
    allowable: true,
  },
  'local-host': {
    name: 'A local host',
    meaning: 'The page was opened on a developer’s machine or in a private network.',
    advice:
      'Usually right to leave out. To count a machine of your own, allow it, or add it as a site of its own.',
    allowable: true,
  },
  'retired-key': {
    name: 'A retired key',
    meaning: 'A page still carries a site key that you retired.',
    advice: 'Put the current key into the page.',
    allowable: false,
  },
  'unknown-key': {
    name: 'An unknown key',
    meaning: 'A page on one of your hosts carries a key that was never given out. Mistyped, or cut off?',
    advice: 'Copy the snippet again.',
    allowable: false,
  },
  malformed: {
    name: 'Not well-formed',
    meaning: 'The beacon had a field of the wrong type or length, or was cut off on the way.',
    advice:
      'Look at what your page passes to attractos.track(): names up to 64 characters, at most 30 properties.',
    allowable: false,
  },
  'too-large': {
    name: 'Too large',
    meaning: 'The beacon was larger than 8 KiB.',
    advice: 'Send fewer or shorter properties.',
    allowable: false,
  },
  'rate-limited': {
    name: 'Too many at once',
    meaning: 'The site sent more beacons a second than this installation takes.',
    advice: 'Look for a loop that tracks events. If the traffic is real, raise SITE_RATE and SITE_BURST.',
    allowable: false,
  },
  busy: {
    name: 'The server was busy',
    meaning: 'The queue in front of the disk was full.',
    advice: 'If it happens again, the machine needs a faster disk.',
    allowable: false,
  },
  unavailable: {
    name: 'The store was away',
    meaning: 'The disk was full, or the database could not be reached.',
    advice: 'Run “attractos doctor” and look at the disk.',
    allowable: false,
  },
  'excluded-page': {
    name: 'A page you leave out',
    meaning: 'The path of the page is on the list of this site’s exclusions.',
    advice: 'Nothing to do. If it should count, change the exclusions in the site’s settings.',
    allowable: false,
  },
  'excluded-country': {
    name: 'A country you leave out',
    meaning: 'The visitor’s country is on the list of this site’s exclusions.',
    advice: 'Nothing to do. If it should count, change the exclusions in the site’s settings.',
    allowable: false,
  },
};

/** The reason behind a refusal's code. */
export function reasonOf(code: string): Reason {
  const known = entryOf(REASONS, code);
  return (
    known ?? {
      name: code,
      meaning: 'The beacon was refused.',
      advice: 'See the server’s log.',
      allowable: false,
    }
  );
}
