%% ETS and Mnesia as stores of documents: `peer ROW --documents N --threads N --directory DIR` prints one JSON object.
%%
%% ram-insert and lookup are those of ETS; a lookup reads one field. The other rows are Mnesia's, with dirty operations, the
%% fastest it has: a table with an index on the email; tag-documents has one on the city besides. On disk the table is a
%% disc_copies one, and the log is dumped at the end. The documents are made by the formula of
%% Sources/DarkBirdBench/BenchDocument.swift before the clock starts, by the process that writes them.
-module(bench_peer).
-export([main/1]).

-record(document, {key, name, email, city, team, age, score, bio}).

-define(CITIES, 1000).
-define(TEAMS, 50).
-define(AGES, 10000).

main([Row | Rest]) ->
    Options = options(Rest, #{documents => 1000000, threads => 2, directory => "/tmp"}),
    #{documents := Count, threads := Threads} = Options,
    {Operations, Seconds} = run(Row, Options),
    io:format("{\"name\":\"~s\",\"threads\":~p,\"operations\":~p,\"seconds\":~p,\"operations_per_second\":~p}~n",
              [Row, Threads, Operations, Seconds, Operations / Seconds]),
    true = Count > 0,
    halt(0, [{flush, true}]).

options([], Options) -> Options;
options(["--documents", Value | Rest], Options) -> options(Rest, Options#{documents := list_to_integer(Value)});
options(["--threads", Value | Rest], Options) -> options(Rest, Options#{threads := list_to_integer(Value)});
options(["--directory", Value | Rest], Options) -> options(Rest, Options#{directory := Value}).

run("ram-insert", #{documents := Count, threads := Threads}) ->
    Table = new_table(),
    insert(Count, Threads, fun(Document) -> ets:insert(Table, Document) end);
run("lookup", #{documents := Count, threads := Threads}) ->
    Table = new_table(),
    insert(Count, Threads, fun(Document) -> ets:insert(Table, Document) end),
    Keys = fun(Operation) -> random_number(Operation, Count) end,
    measure(Count, Threads, Keys, fun(Key) -> ets:lookup_element(Table, Key, #document.age) end);
run("ram-insert-indexed", Options) ->
    fill([{ram_copies, [node()]}, {index, [#document.email]}], Options);
run("disk-insert-indexed", #{directory := Directory} = Options) ->
    application:set_env(mnesia, dir, Directory ++ "/mnesia"),
    application:set_env(mnesia, dump_log_write_threshold, 50000),
    application:set_env(mnesia, dc_dump_limit, 40),
    ok = mnesia:create_schema([node()]),
    {Count, Seconds} = fill([{disc_copies, [node()]}, {index, [#document.email]}], Options),
    {Microseconds, dumped} = timer:tc(fun() -> mnesia:dump_log() end),
    {Count, Seconds + Microseconds / 1.0e6};
run("lookup-unique", #{documents := Count, threads := Threads} = Options) ->
    fill([{ram_copies, [node()]}, {index, [#document.email]}], Options),
    Emails = fun(Operation) -> email(random_number(Operation, Count)) end,
    measure(Count, Threads, Emails, fun(Email) ->
        [#document{age = Age}] = mnesia:dirty_index_read(document, Email, #document.email),
        Age
    end);
run("tag-documents", #{documents := Count, threads := Threads} = Options) ->
    fill([{ram_copies, [node()]}, {index, [#document.email, #document.city]}], Options),
    Cities = fun(Operation) -> city(Operation rem ?CITIES) end,
    {_, Seconds} = measure(?CITIES, Threads, Cities, fun(City) ->
        lists:foldl(fun(#document{age = Age}, Sum) -> Sum + Age end, 0,
                    mnesia:dirty_index_read(document, City, #document.city))
    end),
    {Count, Seconds}.

new_table() ->
    ets:new(document, [set, public, {keypos, #document.key}, {write_concurrency, true}, {read_concurrency, true}]).

fill(Properties, #{documents := Count, threads := Threads}) ->
    ok = mnesia:start(),
    {atomic, ok} =
        mnesia:create_table(document, [{attributes, record_info(fields, document)} | Properties]),
    ok = mnesia:wait_for_tables([document], 60000),
    Measured = insert(Count, Threads, fun(Document) -> mnesia:dirty_write(Document) end),
    Count = mnesia:table_info(document, size),
    Measured.

insert(Count, Threads, Insert) -> measure(Count, Threads, fun document/1, Insert).

%% Makes what each operation needs, then does them all, each process a contiguous part. Returns the number of operations and
%% the seconds from the moment that all processes were ready.
measure(Count, Threads, Prepare, Operate) ->
    Self = self(),
    Workers = [spawn_opt(fun() -> try
        Prepared = [Prepare(Number) || Number <- lists:seq(Count * T div Threads, Count * (T + 1) div Threads - 1)],
        Self ! {ready, self()},
        receive go -> ok end,
        lists:foreach(Operate, Prepared),
        Self ! {done, self()}
    catch Class:Reason:Stack ->
        io:format(standard_error, "~p~n", [{Class, Reason, Stack}]),
        halt(70)
    end end, []) || T <- lists:seq(0, Threads - 1)],
    [receive {ready, Worker} -> ok end || Worker <- Workers],
    Start = erlang:monotonic_time(microsecond),
    [Worker ! go || Worker <- Workers],
    [receive {done, Worker} -> ok end || Worker <- Workers],
    {Count, max(1, erlang:monotonic_time(microsecond) - Start) / 1.0e6}.

%% The document

document(Number) ->
    {Names, State1} = next(Number),
    {Places, State2} = next(State1),
    {Numbers, State3} = next(State2),
    {Words, State4} = next(State3),
    #document{
        key = Number,
        name = <<(word(Names, true))/binary, " ", (word(Names bsr 18, true))/binary>>,
        email = email(Number),
        city = city(Places rem ?CITIES),
        team = team((Places bsr 32) rem ?TEAMS),
        age = Numbers rem ?AGES,
        score = ((Numbers bsr 32) rem 10000) / 100,
        bio = bio(0, 8 + (Words band 7), 0, State4, [])
    }.

email(Number) ->
    {Bits, _} = next(Number),
    <<(word(Bits, false))/binary, ".", (digits(Number, 7))/binary, "@mail.info">>.

city(Number) ->
    {Bits, _} = next(Number),
    <<(word(Bits, true))/binary, (digits(Number, 3))/binary>>.

team(Number) ->
    {Bits, _} = next(?CITIES + Number),
    <<(word(Bits, true))/binary, (digits(Number, 2))/binary>>.

bio(Count, Count, _, _, [_ | Reversed]) -> iolist_to_binary(lists:reverse(Reversed));
bio(Index, Count, _, State, Text) when Index rem 3 =:= 0 ->
    {Bits, Next} = next(State),
    bio(Index + 1, Count, Bits bsr 18, Next, [" ", word(Bits, false) | Text]);
bio(Index, Count, Bits, State, Text) ->
    bio(Index + 1, Count, Bits bsr 18, State, [" ", word(Bits, false) | Text]).

word(Bits, IsCapital) ->
    <<First, Rest/binary>> = << <<(binary:at(<<"bdfgklmnprstvzhj">>, (Bits bsr Shift) band 15)),
                                  (binary:at(<<"aeio">>, (Bits bsr (Shift + 4)) band 3))>> || Shift <- [0, 6, 12] >>,
    case IsCapital of
        true -> <<(First - 32), Rest/binary>>;
        false -> <<First, Rest/binary>>
    end.

digits(Number, Width) -> iolist_to_binary(string:pad(integer_to_list(Number), Width, leading, $0)).

random_number(Operation, Bound) ->
    {Bits, _} = next(Operation),
    (Bits * Bound) bsr 64.

%% splitmix64: the number, and the state for the next.
next(State) ->
    Next = (State + 16#9E3779B97F4A7C15) band 16#FFFFFFFFFFFFFFFF,
    A = ((Next bxor (Next bsr 30)) * 16#BF58476D1CE4E5B9) band 16#FFFFFFFFFFFFFFFF,
    B = ((A bxor (A bsr 27)) * 16#94D049BB133111EB) band 16#FFFFFFFFFFFFFFFF,
    {B bxor (B bsr 31), Next}.
