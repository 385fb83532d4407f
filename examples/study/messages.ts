import { createMessages } from 'holdfast/console'

/** Every text of this product's pages. */
export const say = createMessages({
  'today.title': 'Today',
  'today.inDeck': 'Today: {deck}',
  'today.allDecks': 'All decks',
  'today.progress': 'Done today',
  'today.words': '{done} done, {left} left',
  'today.question': 'Question',
  'today.answer': 'Answer',
  'today.reveal': 'Show the answer',
  'today.revealKey': 'Space',
  'today.grades': 'How well did you know it?',
  'today.finished': 'Done for today',
  'today.finishedText': {
    one: '{count} answer so far. The next cards come back when it is time.',
    other: '{count} answers so far. The next cards come back when it is time.',
  },
  'today.nothing': 'Nothing is due today',
  'today.nothingText': 'Cards come back by themselves, just before you would forget them. New ones are due at once.',
  'today.decks': 'Go to the decks',
  'today.unsaved': 'Your last answer is not saved yet',
  'today.sendAgain': 'Send it again',
  'today.elsewhere': 'This card was changed or answered elsewhere. It comes back as it is now.',

  'grade.again': 'Again',
  'grade.hard': 'Hard',
  'grade.good': 'Good',
  'grade.easy': 'Easy',
  'days.today': 'later today',
  'days.days': { one: '{count} day', other: '{count} days' },
  'days.months': { one: '{count} month', other: '{count} months' },
  'days.years': { one: '{count} year', other: '{count} years' },

  'decks.title': 'Decks',
  'decks.new': 'New deck',
  'decks.none': 'No decks yet',
  'decks.noneText': 'A deck holds the cards of one subject. Make the first one, then write a few cards for it.',
  'decks.name': 'Name',
  'decks.cards': 'Cards',
  'decks.due': 'Due today',
  'decks.actions': 'Actions',
  'decks.learn': 'Learn',
  'decks.nameHint': 'Such as “Spanish verbs”.',
  'decks.create': 'Create deck',

  'deck.title': 'Deck',
  'deck.learn': 'Learn this deck',
  'deck.rename': 'Rename',
  'deck.save': 'Save',
  'deck.delete': 'Delete deck',
  'deck.deleteTitle': 'Delete {name}?',
  'deck.deleteText': 'The deck, its cards and what you have learned of them are gone for good.',
  'deck.deleted': '{name} is deleted.',
  'deck.changed': 'The name was changed since you opened it',
  'deck.changedText': 'It is now “{name}”.',
  'deck.keepMine': 'Save mine instead',
  'deck.empty': 'No cards in this deck yet',
  'deck.emptyText': 'Write what you want to know on the front, and what you want to remember on the back.',

  'card.add': 'Add a card',
  'card.create': 'Add card',
  'card.added': { one: '{count} card added. The form stays open.', other: '{count} cards added. The form stays open.' },
  'card.addHint': 'The form stays open for the next card.',
  'card.edit': 'Edit',
  'card.editTitle': 'Edit card',
  'card.save': 'Save',
  'card.delete': 'Delete',
  'card.deleteTitle': 'Delete this card?',
  'card.deleteText': '“{front}” and what you have learned of it are gone for good.',
  'card.deleted': 'The card is deleted.',
  'card.front': 'Front',
  'card.back': 'Back',
  'card.due': 'Comes back',
  'card.dueNow': 'Now',
  'card.changed': 'This card was changed since you opened it',
  'card.takeTheirs': 'Use these words',
  'card.keepMine': 'Save mine instead',
  'word.close': 'Close',
  'word.cancel': 'Cancel',
})

/** An interval in the largest unit that it fills; 0 is later today. */
export function sayDays(days: number): string {
  if (days === 0) return say('days.today')
  if (days < 60) return say('days.days', { count: days })
  if (days < 730) return say('days.months', { count: Math.round(days / 30.4) })
  return say('days.years', { count: Math.round(days / 365) })
}
