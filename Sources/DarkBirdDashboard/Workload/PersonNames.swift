/// Names of people, clubs, companies and skills that exist nowhere else. Everything is a list that is split once.
enum PersonNames {
  /// A name as it is written, and as it stands in an address: lower-case ASCII.
  struct Name: Sendable, Hashable {
    let text: String
    let slug: String

    /// - Parameter entry: `Ida`, or `Søren/soren` where the slug is not just the letters in lower case.
    init(_ entry: Substring) {
      let parts = entry.split(separator: "/", maxSplits: 1)
      text = String(parts[0])
      slug = parts.count == 2 ? String(parts[1]) : parts[0].lowercased().replacing(" ", with: "-")
    }
  }

  struct Culture: Sendable {
    let given: [Name]
    let family: [Name]
    let familyFirst: Bool

    init(_ given: String, _ family: String, familyFirst: Bool = false) {
      self.given = PersonNames.split(given)
      self.family = PersonNames.split(family)
      self.familyFirst = familyFirst
    }
  }

  static let cultures: [Culture] = [
    Culture(
      """
      Søren/soren, Freja, Mads, Signe, Asger, Åse/ase, Jørgen/jorgen, Ida, Bjørn/bjorn, Karoline
      """,
      """
      Holm, Nygård/nygard, Østergaard/ostergaard, Lindqvist, Bakke, Dahl, Ødegaard/odegaard, Vinther, Lund, \
      Kjær/kjaer
      """),
    Culture(
      """
      Zoë/zoe, Noé/noe, Élodie/elodie, Margaux, Théo/theo, Anaïs/anais, Luc, Camille, Aurélien/aurelien, \
      Solène/solene
      """,
      """
      Lefèvre/lefevre, Garnier, Béranger/beranger, Chevalier, Marchand, Roussel, Dupré/dupre, Moreau, Vasseur, \
      Noël/noel
      """),
    Culture(
      """
      Jürgen/juergen, Käthe/kaethe, Anneliese, Matthias, Greta, Björn/bjoern, Ulrike, Florian, Sören/soeren, Marlene
      """,
      """
      Müller/mueller, Schäfer/schaefer, Vogel, Großmann/grossmann, Brandt, Köhler/koehler, Winkler, Lorenz, \
      Weiß/weiss, Engel
      """),
    Culture(
      """
      Íñigo/inigo, Lucía/lucia, Begoña/begona, Álvaro/alvaro, Inés/ines, Mateo, Rocío/rocio, Andrés/andres, Nuria, \
      Joaquín/joaquin
      """,
      """
      Peña/pena, Muñoz/munoz, Ibáñez/ibanez, Castaño/castano, Vidal, Serrano, Núñez/nunez, Rivas, Ordóñez/ordonez, \
      Luna
      """),
    Culture(
      """
      João/joao, Inês/ines, Conceição/conceicao, Tomás/tomas, Beatriz, Caetano, Luísa/luisa, Davi, Marília/marilia, \
      Raí/rai
      """,
      """
      Magalhães/magalhaes, Araújo/araujo, Brandão/brandao, Lopes, Assunção/assuncao, Teixeira, Gusmão/gusmao, Pinho, \
      Sá/sa, Vale
      """),
    Culture(
      """
      Łukasz/lukasz, Agnieszka, Bogusław/boguslaw, Małgorzata/malgorzata, Kacper, Zofia, Stanisław/stanislaw, \
      Jagoda, Michał/michal, Róża/roza
      """,
      """
      Wójcik/wojcik, Dąbrowska/dabrowska, Gołąb/golab, Zieliński/zielinski, Kozłowski/kozlowski, Sobczak, \
      Błaszczyk/blaszczyk, Wrona, Żak/zak, Górska/gorska
      """),
    Culture(
      """
      Олена/olena, Тарас/taras, Оксана/oksana, Богдан/bohdan, Ярослава/yaroslava, Данило/danylo, Соломія/solomiya, \
      Микола/mykola, Лесь/les, Ірина/iryna
      """,
      """
      Шевчук/shevchuk, Коваль/koval, Бондаренко/bondarenko, Мельник/melnyk, Лисенко/lysenko, Гончар/honchar, \
      Савченко/savchenko, Руденко/rudenko, Мороз/moroz, Кравець/kravets
      """),
    Culture(
      """
      Νίκος/nikos, Ελένη/eleni, Δήμητρα/dimitra, Σταύρος/stavros, Ιωάννα/ioanna, Κώστας/kostas, Φοίβη/foivi, \
      Γιάννης/yannis, Αλέξης/alexis, Μυρτώ/myrto
      """,
      """
      Παπαδάκης/papadakis, Οικονόμου/oikonomou, Βλάχος/vlachos, Γεωργίου/georgiou, Σαμαράς/samaras, Μακρής/makris, \
      Κανάρης/kanaris, Ξένου/xenou, Λέκκας/lekkas, Ρήγας/rigas
      """),
    Culture(
      """
      Çağla/cagla, Emre, Gülşen/gulsen, İlker/ilker, Defne, Oğuz/oguz, Şebnem/sebnem, Kerem, Ümit/umit, Elif
      """,
      """
      Yıldız/yildiz, Öztürk/ozturk, Kaplan, Güneş/gunes, Çelik/celik, Aydın/aydin, Şahin/sahin, Doğan/dogan, \
      Ateş/ates, Tuna
      """),
    Culture(
      """
      伟/wei, 静/jing, 敏/min, 磊/lei, 芳/fang, 洋/yang, 霞/xia, 子涵/zihan, 雨桐/yutong, 思远/siyuan
      """,
      """
      李/li, 王/wang, 张/zhang, 陈/chen, 杨/yang, 黄/huang, 赵/zhao, 周/zhou, 林/lin, 欧阳/ouyang
      """, familyFirst: true),
    Culture(
      """
      葵/aoi, 蓮/ren, 陽菜/hina, 大翔/hiroto, さくら/sakura, 悠真/yuma, 結衣/yui, 颯太/sota, ひかり/hikari, 樹/itsuki
      """,
      """
      佐藤/sato, 鈴木/suzuki, 高橋/takahashi, 田中/tanaka, 渡辺/watanabe, 山本/yamamoto, 中村/nakamura, 森/mori, 清水/shimizu, \
      石川/ishikawa
      """, familyFirst: true),
    Culture(
      """
      서연/seoyeon, 민준/minjun, 지우/jiwoo, 하은/haeun, 도윤/doyun, 수아/sua, 예준/yejun, 유진/yujin, 현우/hyunwoo, 보라/bora
      """,
      """
      김/kim, 이/lee, 박/park, 최/choi, 정/jung, 강/kang, 조/cho, 윤/yoon, 한/han, 송/song
      """, familyFirst: true),
    Culture(
      """
      Hương/huong, Đức/duc, Linh, Tuấn/tuan, Ngọc/ngoc, Bảo/bao, Thảo/thao, Minh, Yến/yen, Quân/quan
      """,
      """
      Nguyễn/nguyen, Trần/tran, Lê/le, Phạm/pham, Đặng/dang, Bùi/bui, Đỗ/do, Hồ/ho, Ngô/ngo, Vũ/vu
      """, familyFirst: true),
    Culture(
      """
      Ananya, Rohan, Kavya, Arjun, Meera, Vikram, Ishani, Dev, Lakshmi, Tariq
      """,
      """
      Iyer, Chatterjee, Rao, Menon, Kulkarni, Banerjee, Pillai, Deshpande, Bhat, Sehgal
      """),
    Culture(
      """
      Chiamaka, Babajide, Ngozi, Kwame, Folasade, Thabo, Amara, Sipho, Wanjiru, Okello
      """,
      """
      Okonkwo, Adeyemi, Mensah, Dlamini, Kamau, Nwosu, Boateng, Mbeki, Otieno, Abiola
      """),
    Culture(
      """
      Siobhán/siobhan, Owen, Niamh, Rhys, Saoirse, Callum, Aoife, Ewan, Bríd/brid, Gareth
      """,
      """
      O’Neill/oneill, Penhaligon, MacLeod, Gallagher, Ó Briain/obriain, Pryce, Fitzgerald, Kerr, Llewellyn, Quinn
      """),
    Culture(
      """
      Leila, Omar, Yasmin, Karim, Shirin, Darius, Noor, Idris, Samira, Hamid
      """,
      """
      Haddad, Farahani, Mansour, Rahimi, Al-Sayed/alsayed, Tehrani, Nasser, Khoury, Ziani, Bakhtiari
      """),
    Culture(
      """
      Hazel, Jasper, Ruby, Silas, Willa, Emmett, Ada, Otis, June, Wyatt
      """,
      """
      Whitaker, Sinclair, Ashford, Delgado-Reyes/delgadoreyes, Merriweather, Cole, Hawthorne, Bishop, Langley, Frost
      """),
  ]

  static let clubs = split(
    """
    AFC Northgate, Real Montaña/real-montana, Ironbridge Rovers, SC Blaufeld, Olympique Valmont, Dynamo Kestrel, \
    FK Sjøborg/fk-sjoborg, Atlético Ribera/atletico-ribera, Harbour Town, Sporting Almada Velha, Union Drahtberg, \
    Racing Côte-Verte/racing-cote-verte, Lokomotiv Zarya, Inter Collina, KS Górnik Wyspa/ks-gornik-wyspa, \
    Deportivo Quebrada, Red Lantern, Fenwick Athletic, IFK Björkvik/ifk-bjorkvik, Galatea Spor, Nordhavn BK, \
    Estrela do Sul, Torpedo Wolfsee, Highland Thistle, Kaminari Osaki, 白鹭/bailu, Club Jacarandá/club-jacaranda, \
    Thornbury Wanderers, Viktoria Elbtal, Stade Mirabel, Panthers of Port Royal, Rayo del Valle, Dunmore Celtic, \
    Sokół Rzeka/sokol-rzeka, AS Montebruno, Zenit Polyana, Old Mill United, Hapoel Carmel Ridge, Lagoon City, \
    Borussia Havel, Eintracht Moosbach, Tigers of Tamar, Cruz Verde do Norte, FC Edelgrund, Saint-Aubin 1904, \
    Kilimani Stars, Accra Comets, Marrakesh Falcons, Busan Whales, Hanoi Lotus, Çınar Gücü/cinar-gucu, Wellington Moa, \
    Prairie Fire, Cascadia Timber, Queens Park Larks, Bayou Herons, Reykjadalur, Ajka Rovers, \
    Piraeus Mariners, Santa Fe Coyotes
    """)

  static let companies = split(
    """
    Larkspur Systems, Bitförde/bitforde, Quiet Harbor, Nimbus & Söhne/nimbus-soehne, Copper Kettle Software, \
    Lantern Labs, Papierboot, Orchard Nine, Tidewater Data, Fjordworks, Moss & Stone/moss-stone, Little Dipper, Kite String, \
    Granite Compiler Co/granite-compiler, Saffron Logic, Blue Heron Networks, Paper Lantern, Mistral Cloud Forge, \
    Øresund Kode/oresund-kode, Tin Whistle, Cedar Protocol, Long Now Ledger, Salt Marsh Security, Red Panda Robotics, \
    Driftwood Analytics, Polar Lattice, Honest Widgets, Night Train, Sunday Morning, Ember Graphics, Seventh Sense, \
    Vermillion Type, Amber Index, Pebble Path, Thistle Down, Glasshouse, Hummingbird Maps, Rye Bread Radio, \
    Crooked River, Telegraph Hill, Alder Queue, Peregrine Mail, Wild Geese, Second Breakfast, Obsidian Notes, \
    Sandpiper Health, Marble Arch, Foxglove, Rusty Anchor, Silver Birch, Tall Ship, Gentle Giants, Night Owl Press, \
    Starling Bank of Code/starling, Mulberry, Basalt, Clockwork Orchard, Firefly Freight, Plain Text, Warm Boot
    """)

  static let playerSkills = split(
    """
    passing, dribbling, finishing, heading, tackling, crossing, free-kicks, penalties, pressing, goalkeeping, \
    long-throws, leadership, stamina, pace, vision, positioning, ball-control, marking, volleys, set-pieces
    """
  ).map(\.text)

  static let developerSkills = split(
    """
    swift, c, rust, sql, erlang, networking, compilers, databases, security, graphics, testing, kernels, embedded, \
    typography, accessibility, statistics, distributed, code-review, writing, teaching
    """
  ).map(\.text)

  private static func split(_ list: String) -> [Name] {
    list.split(separator: ",").map { Name($0.trimmed) }
  }
}

extension Substring {
  fileprivate var trimmed: Substring {
    drop(while: \.isWhitespace)
  }
}
