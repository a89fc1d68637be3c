/// Sentences that make a bio: a few of them, in any order.
enum PersonPhrases {
  static let player = lines(
    """
    Learned the game on a gravel pitch behind the bakery.
    Reads a counter-attack two passes before it happens.
    Has missed one penalty in eleven years, and still talks about it.
    Came back from a broken ankle faster than before.
    Plays wherever the coach has a gap.
    Takes the corners, the free kicks, and the blame.
    Scored the winner in the snow final.
    Captains the side on the away days nobody wants.
    Was a sprinter until the age of fifteen.
    Left foot for show, right foot for goals.
    Has worn the same shin pads since the youth team.
    Collects yellow cards and stamps.
    Knows the name of every groundskeeper in the league.
    Once kept a clean sheet for nine hours and four minutes.
    Trains with the under-twelves on Thursdays.
    Moved abroad for a season and stayed for six.
    Turned down two bigger clubs to stay close to the sea.
    Holds the club record for assists in a calendar year.
    """)

  static let developer = lines(
    """
    Wrote a parser at fourteen and has been careful with grammars since.
    Deletes more code than most people write.
    Keeps the build green and the coffee dark.
    Found the race condition that everyone else called cosmic rays.
    Maintains a small library that half the internet depends on.
    Prefers a page of prose to a page of diagrams.
    Once fixed production from a ferry, over one bar of signal.
    Believes that every queue should have a bound.
    Gives talks about error messages.
    Came to computing from marine biology.
    Measures first, and then measures again.
    Answers the on-call phone in three languages.
    Runs a reading group for old papers.
    Still has the first page of their first core dump.
    Reviews code the way others review novels.
    Types on a keyboard built from cherry wood.
    Taught a whole department to love property tests.
    Rewrote the scheduler twice, the second time for good.
    """)

  static let anyone = lines(
    """
    Bakes rye bread on Sundays.
    Speaks four languages, one of them badly.
    Grew up between two harbours.
    Plays the cello when nobody is listening.
    Has walked the coast path from end to end.
    Keeps bees on the roof.
    Reads science fiction on trains.
    Swims in the lake until November.
    Is writing a cookbook that may never be finished.
    Rescued a dog called Pointer.
    Volunteers at the night shelter.
    Wakes up at five, without regret.
    Grows tomatoes with mixed success.
    Repairs old radios.
    Has a twin who does the same job elsewhere.
    Will explain the offside rule to anyone.
    """)

  private static func lines(_ text: String) -> [String] { text.split(separator: "\n").map(String.init) }
}
