// What the page calls statuses, verdicts and check results, and what each means.
import type { Tone } from '../components/Chip';
import type { CheckResult, Status, Verdict } from './data';

export interface Word {
  label: string;
  tone: Tone;
  sign: string;
  meaning: string;
}

export const kStatusWords: Record<Status, Word> = {
  proven: {
    label: 'proven',
    tone: 'good',
    sign: '■',
    meaning: 'Coq has checked a proof; it uses only the assumptions listed with it.',
  },
  deferred: {
    label: 'deferred',
    tone: 'info',
    sign: '◧',
    meaning: 'Proved from a fact that is written down as missing and named in the theorem itself.',
  },
  informal: {
    label: 'informal',
    tone: 'plain',
    sign: '□',
    meaning: 'Argued on paper only, in whole or in the part named here; no machine has checked it.',
  },
  axiom: {
    label: 'axiom',
    tone: 'warn',
    sign: '▲',
    meaning: 'Uses an assumption that is not on the list of permitted ones.',
  },
  stub: {
    label: 'stub',
    tone: 'bad',
    sign: '✗',
    meaning: 'The proof has a hole: something that was to be proved is assumed.',
  },
};

export const kVerdictWords: Record<Verdict, Word> = {
  true: {
    label: 'claim holds',
    tone: 'good',
    sign: '✓',
    meaning: 'The published sentence is right.',
  },
  repaired: {
    label: 'claim repaired',
    tone: 'fair',
    sign: '≈',
    meaning:
      'The published sentence needs another hypothesis or conclusion; here it is in a form that holds.',
  },
  false: {
    label: 'claim false',
    tone: 'bad',
    sign: '✗',
    meaning: 'The published sentence is wrong; the entry shows where.',
  },
  new: {
    label: 'new',
    tone: 'info',
    sign: '+',
    meaning: 'No published sentence is answered; the catalogue adds it.',
  },
};

export const kCheckWords: Record<CheckResult, Word> = {
  holds: {
    label: 'check holds',
    tone: 'good',
    sign: '○',
    meaning: 'Every number computed agrees within its tolerance.',
  },
  fails: {
    label: 'check fails',
    tone: 'bad',
    sign: '✗',
    meaning: 'At least one number computed does not agree.',
  },
  not_run: {
    label: 'check not run',
    tone: 'plain',
    sign: '…',
    meaning: 'There is a numerical check, but its numbers are not in this page.',
  },
  none: { label: 'no check', tone: 'plain', sign: '–', meaning: 'There is nothing to compute.' },
};

export const kCheckKinds: Record<string, string> = {
  identity: 'identity, compared on both sides',
  inequality: 'inequality, tried on inputs chosen to break it',
  counterexample: 'counterexample, computed',
  simulation: 'simulation, compared within its standard error',
};
