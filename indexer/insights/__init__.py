"""What people ask of a collection, where its owner lets it be kept: counted by day and question, for so many
days, without a word about who asked."""
