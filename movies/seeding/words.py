"""The vocabulary of invented films. Changing any of it changes the rows: see RECIPE in rows.py."""


def words(text):
    """Return the entries of a text, which are separated by `|` or by line ends."""
    return [word.strip() for word in text.replace("\n", "|").split("|") if word.strip()]


def with_article(word):
    """Return a word with A or An in front, by its sound."""
    vowel = word[0] in "AEIOU" and not word.startswith("Use")
    return f"{'An' if vowel or word in ('Heir', 'Honest', 'Hour') else 'A'} {word}"


FIRST_NAMES = words("""
Ada|Adèle|Agnieszka|Aino|Akiko|Alba|Aleksi|Alma|Amara|Amina|Anders|Aneta|Anouk|Antonia|Ariel|Arjun
Asta|Astrid|Aurelio|Aya|Beatriz|Benedikt|Bilal|Birgit|Bogdan|Branka|Bruno|Camila|Carmen|Cécile
Chidi|Clara|Cosmin|Dalia|Damir|Daria|Davor|Deniz|Dieudonné|Dora|Dragana|Eero|Efua|Eleni|Elif|Elin
Emeka|Emilia|Enzo|Esperanza|Eszter|Ewa|Fadi|Farah|Fatou|Felix|Fiona|Florin|Freya|Gaspard|Gerda
Gillian|Goran|Greta|Gustavo|Halima|Hana|Hannes|Haruki|Hedda|Helena|Hideo|Hugo|Ibrahim|Ida|Ignacio
Ilse|Imani|Inés|Ingrid|Irena|Isko|Ivana|Jamila|Janek|Jasper|Joana|Joaquín|Jorge|Judit|Kaisa|Kalina
Kamal|Karim|Katya|Kenji|Kiran|Klara|Kofi|Ladislav|Laila|Lars|Laszlo|Leila|Leonor|Lidia|Linnea
Lorenzo|Lucía|Ludmila|Magda|Malik|Manon|Marek|Margit|Mariam|Marisol|Matteo|Mei|Mihai|Milena|Mina
Miren|Mona|Nadia|Naoko|Nikola|Nils|Nora|Nuno|Odile|Olga|Oskar|Otto|Paloma|Pavel|Petra|Priya|Rafael
Rania|Renata|Rosa|Ruben|Sabine|Samira|Sanna|Selma|Signe|Silvia|Sofia|Soledad|Sonja|Svetlana|Tadeusz
Tamar|Teodor|Tereza|Thandi|Tomás|Ulla|Valeria|Vera|Viggo|Violeta|Wanda|Xenia|Yael|Yara|Yuki|Yusuf
Zaid|Zofia|Zora
""")

LAST_NAMES = words("""
Abara|Acosta|Adeyinka|Ahlgren|Albescu|Almqvist|Alvarenga|Andrade|Anghel|Arvidsson|Asante|Axelrad
Bagley|Bajwa|Balint|Barreto|Barzani|Bellandi|Benavides|Berglund|Bertoli|Biró|Bjerke|Bláha|Boateng
Bonnet|Borisova|Brandvold|Brătescu|Brightwell|Brodie|Bruckmann|Bustos|Cabral|Calder|Campana|Cardoso
Carneiro|Castellan|Cermak|Chakma|Chandran|Chevrel|Cisneros|Clemmons|Coelho|Conti|Cordero|Corvin
Costigan|Cresswell|Dahlgren|Danso|Darvish|Delacourt|Delgado|Demir|Diallo|Dimova|Dobrev|Doležal
Dragomir|Dudek|Duran|Edelstein|Egede|Ekholm|Elmasry|Engström|Erdem|Escobedo|Fairbairn|Falk|Farkas
Fazekas|Ferrand|Fiala|Figueira|Fjeld|Fontana|Forsberg|Fosse|Frías|Fujimori|Gallego|Garnier|Gavras
Georgescu|Ghorbani|Girard|Głowacki|Gomide|Granqvist|Grieco|Gudmundsen|Guerreiro|Gyasi|Haapala|Hadley
Hagström|Halloran|Hamdi|Harlow|Hassani|Havel|Hayashi|Hedlund|Heikkinen|Hellström|Herrera|Hidaka
Hoffmeier|Holub|Horvat|Hrubý|Ibáñez|Ikeda|Ilić|Imai|Ionescu|Iversen|Jankowski|Jaramillo|Jelínek
Joubert|Jovanović|Juhász|Kaczmarek|Kallio|Kaplan|Karimi|Kaya|Keita|Kelemen|Khalil|Kimura|Kivelä
Klausen|Kobayakawa|Kolar|Kostov|Kovac|Kowal|Krasniqi|Kruger|Kuipers|Kulkarni|Kurosaki|Lachance
Lagerlund|Lamothe|Landau|Larrain|Latif|Leclercq|Lehtonen|Lemaire|Lindqvist|Lisboa|Lombardo|Lorca
Lozano|Lundby|Macedo|Madaki|Maes|Magnusen|Mahler|Malinowska|Mancuso|Marchetti|Markovic|Martel|Matić
Mbeki|Medeiros|Mendonça|Mensah|Merino|Mikkola|Milosz|Mirza|Molnár|Montero|Moravec|Moreau|Mwangi
Nakata|Navarro|Németh|Nielsby|Nikolić|Nkosi|Nordal|Novotny|Obando|Odhiambo|Okafor|Olmedo|Onishi
Orban|Ortega|Østby|Ozturk|Pacheco|Palmgren|Papadakis|Pardo|Pavlović|Pellegrin|Peralta|Petrescu
Pinheiro|Popova|Quintero|Radev|Rahimi|Ramos|Rantanen|Rebelo|Rivas|Rosales|Rossetti|Rousselet
Saarinen|Sabatier|Salazar|Sandoval|Santoro|Sarkis|Savić|Schreiner|Seidel|Serrano|Sithole|Skov
Sokolov|Soto|Stavrou|Strand|Suzara|Szalai|Takeda|Tanaka|Tavares|Thiam|Tóth|Ueda|Uribe|Vargas|Vasquez
Velde|Vidal|Vinter|Vlasak|Wallin|Weissmann|Winther|Yamane|Yilmaz|Zambrano|Zapata|Zielinski
""")

INITIALS = "ABCDEFGHJKLMNPRSTVW"

PLACES = words("""
Aarhus|Ancona|Antwerp|Arles|Baku|Bari|Batumi|Beirut|Belgrade|Bergen|Biarritz|Bilbao|Bologna|Brno
Bruges|Cádiz|Cagliari|Cairo|Calais|Cardiff|Cartagena|Cluj|Coimbra|Córdoba|Cork|Dakar|Debrecen|Dover
Dresden|Dunkirk|Esbjerg|Fez|Gdańsk|Genoa|Ghent|Girona|Gothenburg|Graz|Haifa|Havana|Hull|Innsbruck
Izmir|Kochi|Košice|Kraków|Kyoto|La Paz|Leith|Leipzig|Liège|Lille|Limerick|Linz|Lisbon|Ljubljana|Łódź
Lugano|Lviv|Malmö|Mantua|Marseille|Matera|Mérida|Messina|Mombasa|Montevideo|Mostar|Nagasaki|Nantes
Naples|Narvik|Oaxaca|Odense|Oporto|Oran|Osaka|Oslo|Ostend|Otaru|Oulu|Palermo|Pamplona|Pécs|Plovdiv
Poznań|Rabat|Ravenna|Recife|Riga|Rijeka|Rosario|Rostock|Rotterdam|Rouen|Salamanca|Salvador|Sarajevo
Seville|Sfax|Sibiu|Siena|Split|Szeged|Tallinn|Tampere|Tangier|Tartu|Tbilisi|Thessaloniki|Toledo
Trieste|Tromsø|Tunis|Turin|Turku|Uppsala|Utrecht|Valparaíso|Varna|Vilnius|Visby|Vitoria|Wrocław
Yerevan|Zadar|Zaragoza
""")

ADJECTIVES = words("""
Ancient|Bitter|Black|Blind|Blue|Borrowed|Bright|Broken|Burning|Careful|Cold|Common|Crooked|Dark|Deep
Distant|Divided|Double|Early|Empty|Endless|Eternal|Faithful|Fallen|False|Final|First|Forgotten
Fragile|Gentle|Golden|Green|Grey|Half|Hidden|Hollow|Honest|Hungry|Idle|Impossible|Innocent|Invisible
Kind|Last|Late|Little|Lonely|Long|Lost|Merciful|Modest|Narrow|Nameless|New|Noble|Northern|Obedient
Old|Open|Ordinary|Other|Pale|Patient|Perfect|Private|Quiet|Red|Restless|Sacred|Salted|Secret|Second
Seventh|Silent|Silver|Simple|Sleeping|Slow|Small|Solitary|Southern|Stolen|Strange|Stubborn|Sudden
Sunken|Sweet|Tender|Third|Tired|Uncertain|Unfinished|Unwritten|Useless|Vanished|Velvet|Violent|Warm
White|Wild|Winter|Wooden|Young
""")

NOUNS = words("""
Accordion|Actress|Alibi|Anchor|Apprentice|Archive|Ash|Aunt|Avalanche|Baker|Balcony|Bargain|Beekeeper
Bell|Bicycle|Bird|Border|Bread|Bridge|Brother|Cabin|Camera|Candle|Captain|Carnival|Cartographer
Chair|Chapel|Cherry|Circus|Clock|Coast|Comet|Concert|Confession|Corridor|Courier|Crossing|Crow|Dance
Daughter|Debt|Desert|Diary|Distance|Doctor|Door|Dream|Echo|Eclipse|Embrace|Engineer|Escape|Evening
Exile|Factory|Farewell|Father|Feast|Ferry|Field|Fire|Fisherman|Flood|Fog|Forest|Fortune|Fox|Frontier
Funeral|Garden|Ghost|Gift|Glass|Glove|Goodbye|Guest|Harbour|Harvest|Heart|Heir|Horizon|Horse|Hotel
Hour|House|Hunger|Hunter|Inheritance|Innocence|Interpreter|Island|Journey|Judge|Key|Kingdom|Kitchen
Ladder|Lamp|Laundry|Letter|Liar|Library|Light|Lighthouse|Lion|Lodger|Lover|Machine|Mason|Meadow
Memory|Mercy|Messenger|Mirror|Money|Moon|Morning|Mother|Mountain|Music|Name|Neighbour|Night|Notebook
Oath|Ocean|Opera|Orchard|Orphan|Painter|Paradise|Passenger|Path|Photograph|Pianist|Pilgrim|Pilot
Portrait|Promise|Proof|Quarry|Rain|Reader|Refuge|Return|River|Road|Room|Rope|Rose|Sailor|Salt|Sand
School|Sea|Season|Secret|Servant|Shadow|Shepherd|Ship|Shore|Silence|Sister|Sky|Sleep|Smoke|Snow
Soldier|Song|Sparrow|Spring|Stairs|Station|Stone|Storm|Stranger|Street|Student|Summer|Swimmer|Table
Tailor|Teacher|Telegram|Theatre|Thief|Thirst|Threshold|Tide|Tower|Train|Traveller|Tree|Trial|Truth
Tunnel|Twin|Uncle|Understudy|Valley|Verdict|Village|Violin|Visitor|Voice|Voyage|Wager|Waiter|Wall
Waltz|Watch|Watchman|Wedding|Well|Widow|Wind|Window|Witness|Wolf|Woman|Word|Workshop|Year
""")

TIMES = words("""
Dawn|Noon|Dusk|Midnight|Sunday|Monday|Friday|Saturday|January|February|March|April|May|June|July
August|September|October|November|December|Spring|Summer|Autumn|Winter|Easter|Harvest Time|Low Tide
High Tide|First Light|Closing Time
""")

WITH_ARTICLE = {word: with_article(word) for word in ADJECTIVES + NOUNS}

# %(a)s is an adjective, %(n)s and %(m)s are nouns, %(aa)s and %(an)s have their articles, %(p)s is
# a place, %(f)s a name, %(t)s a time.
TITLES = words("""
The %(a)s %(n)s|The %(a)s %(n)s|The %(a)s %(n)s|%(aa)s %(n)s|%(a)s %(n)s|%(a)s %(n)s|The %(n)s
The %(n)s of %(p)s|The %(n)s and the %(m)s
The %(n)s from %(p)s|%(f)s|%(f)s's %(n)s|%(f)s and the %(n)s|%(f)s in %(p)s|%(t)s in %(p)s
The %(n)s Before %(t)s|%(n)s and %(m)s
The %(m)s's %(n)s|Before the %(n)s|After the %(n)s|Beyond the %(n)s|Under the %(a)s %(n)s
Letters from %(p)s|%(an)s in %(p)s
Farewell to %(p)s|Return to %(p)s|The Road to %(p)s|Nobody Leaves %(p)s|Every %(n)s Has Its %(m)s
What the %(n)s Knew|When the %(n)s Came|%(a)s %(t)s|Until %(t)s|My %(a)s %(n)s|Our %(n)s
Nights of %(p)s|%(p)s, %(t)s
The Trial of %(f)s|The Silence of %(f)s|Don't Wake the %(n)s|Tell %(f)s I'm in %(p)s
The Second %(n)s|%(an)s for %(f)s
""")

ROLES = words("""
a retired lighthouse keeper|a court interpreter|a young seamstress|a widowed schoolteacher
an out-of-work projectionist|a railway clerk|a piano tuner|a former boxer|a night nurse
a provincial judge|a fisherman's daughter|a travelling salesman|a stage actor past the age of leads
a village doctor|a cartographer|a baker on the edge of ruin|an army deserter|a taxi driver
a museum guard|a newspaper proofreader|a ferry captain|a law student|an ageing jazz trumpeter
a border policeman|a shepherd|a factory forewoman|a chess prodigy|a translator of love letters
a hotel porter|a beekeeper|an insurance inspector|a choir mistress|a retired spy
a wedding photographer
a prison chaplain|a radio announcer|a coal miner's son|a florist|a disgraced surgeon
an apprentice mason
""")

# %(name)s is the lead and has the role %(role)s, %(friend)s is a second person, %(other)s a place
# other than %(place)s, %(thing)s an object.
OPENINGS = words("""
%(name)s, %(role)s in %(place)s, has not spoken to %(friend)s for eleven years when a telegram \
arrives from %(other)s.
In %(place)s, in a winter that does not want to end, %(name)s works as %(role)s and asks nothing \
more of life.
%(name)s, %(role)s, comes back to %(place)s for a funeral and stays for reasons that nobody there \
believes.
The last train from %(other)s leaves %(name)s, %(role)s, stranded in %(place)s with a suitcase \
and %(thing)s.
%(name)s is %(role)s in %(place)s, respected by the neighbours and known by none of them.
When the harbour of %(place)s is closed, %(name)s, %(role)s, has to find another way to live, and \
another way home.
%(place)s, between two wars: %(name)s, %(role)s, rents the room above the café and begins to keep \
a diary.
For thirty years %(name)s, %(role)s, has told the same story about %(other)s, and %(friend)s has \
never believed a word of it.
%(name)s and %(friend)s grew up in the same street of %(place)s; one became %(role)s, the other \
disappeared.
On the day that %(name)s, %(role)s, is to leave %(place)s for good, %(thing)s turns up at the door.
%(name)s, %(role)s, inherits a house in %(place)s from a relative that the family has never \
mentioned.
Nobody in %(place)s remembers who hired %(name)s, %(role)s, but everybody agrees that things have \
changed since.
""")

TROUBLES = words("""
Then %(thing)s goes missing, and suspicion falls on the only person who had no reason to take it.
The arrival of %(friend)s from %(other)s, penniless and full of plans, upsets a peace that was \
never quite a peace.
What begins as a favour soon turns into a debt, and the debt into a secret that the whole street \
shares.
A mistake in a ledger, four lines long, is enough to set one half of the town against the other.
%(friend)s offers a way out, but it leads through %(other)s and it has a price.
Summoned as a witness, %(name)s discovers that telling the truth would ruin the one honest family \
in %(place)s.
The strike at the shipyard enters its third month, and loyalties that seemed made of stone begin \
to move.
A child who claims to come from %(other)s appears in the yard one morning and will not say \
anything else.
The authorities want a signature, only a signature, and are prepared to wait for it.
Letters start to come, one every Thursday, each of them addressed to somebody who has died.
An old photograph shows %(name)s in a place where %(name)s swears never to have been.
The river rises, the bridge closes, and for nine days people who avoid each other have to share \
one roof.
""")

MIDDLES = words("""
%(friend)s keeps the accounts and %(name)s keeps quiet, an arrangement that works until the first \
of %(month)s.
A journey to %(other)s, planned for a weekend, takes the whole of the summer and most of their \
savings.
Between long shifts and short nights the two of them build something that neither dares to call \
happiness.
The village doctor knows, the priest guesses, and the children have known from the beginning.
There are rehearsals, quarrels, a theft that turns out to be a gift, and a dinner at which nobody \
eats.
%(name)s learns to drive, to lie and finally to listen, in that order.
Old friends take sides; new ones prove to have come for %(thing)s.
In a series of visits that grow shorter each time, %(friend)s tries to explain what happened in \
%(other)s.
Rumour does the rest: by %(month)s the story is told in three versions, and all of them are wrong.
An inspector from %(other)s takes a room at the hotel and, for want of anything better, falls in \
love.
The money runs out before the patience does, and the patience runs out in %(month)s.
What was meant to be hidden is found; what was meant to be found is sold at the market of %(other)s.
Only the blind caretaker of the cinema seems to see where all this must lead.
For a while it looks as if kindness might be enough, and %(place)s holds its breath.
While %(friend)s waits for a visa, the city outside the window is slowly pulled down and built \
again.
A storm, a broken radio and a borrowed coat bring together people who would have passed each \
other by.
%(name)s writes a confession, burns it, and writes it again in better handwriting.
The second half of the film stays on the water, with no land in sight and little said.
""")

ENDINGS = words("""
In the end it is %(friend)s who leaves, and %(name)s who finally understands what the waiting was \
for.
The last scene, a single shot on the quay of %(place)s, answers none of the questions and settles \
all of them.
When the trial opens in %(other)s, only one of them is there to hear the verdict.
A year later, in %(month)s, they meet by chance and talk about the weather.
What remains is %(thing)s, left on a kitchen table, and a door that nobody has closed.
%(name)s walks out into the snow of %(place)s, and for the first time does not look back.
Nothing is forgiven, but the lamp in the window stays on until morning.
The truth, when it comes out, arrives too late to harm anyone and too late to help.
They never speak of it again; the film ends where another would have begun.
By the time the bells ring, everyone has a version of the story that they can live with.
""")

NOTES = words("""
Shot in long takes and almost without music, it finds its comedy where nobody is looking for it.
A chamber play for four voices, a staircase and one very small kitchen.
Part thriller, part family album, it is at its best when it is neither.
The dialogue moves between two languages, and much of the story is in what gets lost on the way.
Told backwards through six letters, it asks what a promise is worth when only one side remembers it.
A portrait of a town as much as of a person, filmed with the people who live there.
Dry, patient and suddenly very funny, it was made on a budget that would not buy its own poster.
It is dedicated to the projectionists of %(other)s.
""")

THINGS = words("""
a box of unsent letters|a child's violin|a forged passport|a key without a lock|a sealed envelope
a stopped watch|a roll of undeveloped film|a red bicycle|a jar of foreign coins|a music box
an unfinished portrait|a stranger's overcoat|a birdcage|a map of a city that no longer exists
a wedding dress|a pawn ticket|a notebook in code|a bag of seed corn|a broken barometer|a gold tooth
""")

MONTHS = words("""
January|February|March|April|May|June|July|August|September|October|November|December
""")

# What a review says, from unhappy to delighted. A text is one of the first kind, then one of the
# second kind.
BAD = words("""
I looked at my watch after ten minutes and it had stopped too.
Two good scenes, and a long walk between them.
I wanted to like it more than it wanted to be liked.
Everyone whispers and nobody has anything to say.
The poster promised another film.|A short film that lost its way home.
My neighbour slept, and I envied him.
It mistakes slowness for depth.|The sound was poor, and then I heard the dialogue.
Handsome and quite hollow.
""")
BAD_ENDS = words("""
I would not sit through it again.|Best left to the archive.|The popcorn was decent.
A pity about the cast.
For completists only.|I left before the credits.|Perhaps it works better on a train.|Not for me.
The director has done better.|Someone should have said no.
""")
FAIR = words("""
Slow to start, but it finds its feet in the second half.|Better acted than written.
A small story, told with some care.|The camera knows more than the script does.
I liked the town more than the people in it.|It has one scene too many and one idea too few.
Old-fashioned, in both senses.|The first hour drifts; the last twenty minutes do not.
A decent evening and not much more.|Uneven, though never dull.
""")
FAIR_ENDS = words("""
Worth seeing once.|The music helps.|I am glad that I stayed.|Good, not great.
See it with someone patient.
It will find its admirers.|The lead carries it.|I may change my mind about it.
Fine for a rainy Sunday.
My sister loved it.
""")
GOOD = words("""
I walked home the long way to keep it going.|Not a wasted shot from beginning to end.
It trusts its audience, which is rare.|Funny and sad, often in the same line.
I have seen it three times now.
The quietest thriller that I know.|Every face in it stays with you.
It looks like nothing else of its year.
The kitchen scene alone is worth the ticket.|I did not expect to cry, and then the train left.
""")
GOOD_ENDS = words("""
Do not miss it.|A masterpiece, I think.|See it on the largest screen you can find.
It deserves its prizes.
I bought the music the same day.|The ending is perfect.|I would give it more if I could.
Everyone in the room stayed seated.|One to grow old with.|Go.
""")
