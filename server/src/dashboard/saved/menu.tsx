import type { VNode } from 'preact';
import { NAME_MAX_CHARS } from '../../app/inputs.ts';
import { Card } from '../kit/elements.tsx';
import { Field, Form } from '../kit/form.tsx';
import { Menu } from '../kit/menu.tsx';
import { addressOf, type SavedData, type SavedItem } from './data.ts';
import { SAVED_TEXT } from './text.ts';

/** The menu that opens saved queries, and saves what the page shows. It works without JavaScript. */
export function SavedMenu(data: SavedData): VNode {
  const { kind, items, current, path, back } = data;
  const { text } = kind;
  const active = items.find(({ isActive }) => isActive);
  return (
    <Menu
      {...(active === undefined ? {} : { what: text.title })}
      name={active === undefined ? text.title : <bdi class="saved-name">{active.saved.name}</bdi>}
    >
      <div class="saved-menu">
        <MenuList title={SAVED_TEXT.team} items={items.filter(({ saved }) => saved.accountId === null)} />
        <MenuList title={SAVED_TEXT.own} items={items.filter(({ saved }) => saved.accountId !== null)} />
        {active === undefined &&
          (current === null ? (
            <p class="hint saved-hint">{text.none}</p>
          ) : (
            <SaveForm data={data} typed={NOTHING_TYPED} />
          ))}
        {items.length > 0 && (
          <a class="saved-manage" href={addressOf(path, back)}>
            {text.manage}
          </a>
        )}
      </div>
    </Menu>
  );
}

function MenuList({ title, items }: { title: string; items: readonly SavedItem[] }): VNode | null {
  if (items.length === 0) return null;
  return (
    <>
      <p class="hint saved-hint">{title}</p>
      <ul aria-label={title}>
        {items.map(({ saved, href, isActive, problem }) => (
          <li>
            {problem === null ? (
              <a href={href} aria-current={isActive ? 'true' : undefined}>
                <bdi>{saved.name}</bdi>
              </a>
            ) : (
              <p class="hint saved-hint">
                <bdi>{saved.name}</bdi>: {SAVED_TEXT.unusable} <bdi>{problem}</bdi>
              </p>
            )}
          </li>
        ))}
      </ul>
    </>
  );
}

/** The saved queries that can be opened, with what they stand for, on a page that shows nothing yet. */
export function SavedCard({ kind, items }: SavedData): VNode | null {
  const usable = items.filter(({ problem }) => problem === null);
  if (usable.length === 0) return null;
  return (
    <Card title={kind.text.title} id="saved">
      <ul class="saved">
        {usable.map(({ saved, href, words }) => (
          <li>
            <h3>
              <a href={href}>
                <bdi>{saved.name}</bdi>
              </a>
            </h3>
            <Words words={words} />
          </li>
        ))}
      </ul>
    </Card>
  );
}

/** What a saved query stands for. */
export function Words({ words }: Pick<SavedItem, 'words'>): VNode {
  return (
    <ul class="hint">
      {words.map((each) => (
        <li>
          <bdi>{each}</bdi>
        </li>
      ))}
    </ul>
  );
}

/** What was entered to save a query. */
export interface TypedSaved {
  name: string;
  isTeam: boolean;
}

export const NOTHING_TYPED: TypedSaved = { name: '', isTeam: false };

/** The form that saves what the page shows. */
export function SaveForm({ data, typed }: { data: SavedData; typed: TypedSaved }): VNode {
  const { kind, frame, path, back, mayShare } = data;
  const whom = `${kind.kind}-for`;
  return (
    <Form frame={frame} action={path} class="saved-form" hidden={{ query: back }}>
      <Field
        name={`${kind.kind}-name`}
        label={SAVED_TEXT.name}
        value={typed.name}
        required
        maxlength={NAME_MAX_CHARS}
        autocomplete="off"
        autocapitalize="sentences"
      />
      {mayShare ? (
        <fieldset>
          <legend>{SAVED_TEXT.forWhom}</legend>
          <label class="check-field">
            <input type="radio" name={whom} value="me" checked={!typed.isTeam} /> {SAVED_TEXT.forMe}
          </label>
          <label class="check-field">
            <input type="radio" name={whom} value="team" checked={typed.isTeam} /> {SAVED_TEXT.forTeam}
          </label>
        </fieldset>
      ) : (
        <p class="hint">{SAVED_TEXT.onlyYou}</p>
      )}
      <button type="submit" class="primary small">
        {kind.text.save}
      </button>
    </Form>
  );
}
