import { createCard, deleteCard, editCard, listCards } from './cards.ts'
import { createDeck, deleteDeck, listDecks, renameDeck } from './decks.ts'
import { dueToday, reviewCard } from './reviews.ts'

export const routes = {
  listDecks,
  createDeck,
  renameDeck,
  deleteDeck,
  listCards,
  createCard,
  editCard,
  deleteCard,
  dueToday,
  reviewCard,
}
