/** The texts about saved queries of every kind. Those that name the kind are with the kind. */
export const SAVED_TEXT = {
  team: 'Team',
  teamHint: 'Everyone who can see this site sees these.',
  own: 'Only you',
  name: 'Name',
  nameOf: (name: string) => `New name of ${name}`,
  forWhom: 'Who can use it',
  forMe: 'Only me',
  forTeam: 'Team: everyone who can see this site',
  onlyYou: 'Only you will see it.',
  rename: 'Rename',
  delete: 'Delete',
  back: { report: 'Back to report', funnels: 'Back to funnels', journeys: 'Back to journeys' },
  unusable: 'Cannot be used:',
  current: 'in use',
  nothing: 'Nothing is saved yet.',
} as const;
