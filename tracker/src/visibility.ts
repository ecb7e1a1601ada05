/** Whether the tab was in front, and its window not minimised, when the page was last looked at. */
export let visible: boolean;

/** Looks. A page that is prerendered is not visible either. */
export const isVisible = (): boolean => {
  visible = document.visibilityState === 'visible';
  return visible;
};
