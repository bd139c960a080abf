//! Each format of an export is read back by somebody else's reader, and says what was written: for names of every kind.

#[path = "support/cypher.rs"]
mod cypher;

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use domain::{Name, Timestamp, User, UserId};
use projection::export::{Format, Person, Source, Totals, write};
use projection::view::Positions;
use proptest::prelude::*;

/// By id: the names, and milliseconds; nothing of those who are not known.
type People = BTreeMap<u64, Option<(String, String, u64)>>;
type Friendships = BTreeSet<(u64, u64)>;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Graph {
    people: People,
    friendships: Friendships,
}

/// What is hard for one format or another.
const NASTY: [&str; 22] = [
    "'",
    "\"",
    "\\",
    "\\u0027",
    "\\\\u0027",
    "\\n",
    "</graphml>",
    "]]>",
    "<!--",
    "&amp;",
    "&#0;",
    ";",
    "//",
    "/*",
    "`",
    "{$x}",
    "\u{202e}abc",
    "\u{2028}",
    "\u{feff}",
    "\u{fffe}\u{ffff}",
    "👩\u{200d}👩\u{200d}👧",
    "e\u{301}",
];

fn name() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => (0..NASTY.len()).prop_map(|at| NASTY[at].to_owned()),
        1 => prop::collection::vec(any::<char>(), 1..6).prop_map(|all| all.into_iter().collect()),
        1 => Just(",u U".to_owned()),
    ];
    let text = prop::collection::vec(piece, 1..6).prop_map(|pieces| pieces.concat());
    text.prop_filter_map("a name", |text| Name::parse(&text).ok().map(|name| name.to_string()))
}

fn graph() -> impl Strategy<Value = Graph> {
    const LAST: u64 = 253_402_300_799_999;
    let id = prop_oneof![1_u64..40, Just(domain::MAX_ID), 1..=domain::MAX_ID];
    let person = prop_oneof![4 => (name(), name(), 0..=LAST).prop_map(Some), 1 => Just(None)];
    let people = prop::collection::btree_map(id, person, 0..30);
    (people, prop::collection::vec(any::<[prop::sample::Index; 2]>(), 0..60)).prop_map(|(people, pairs)| {
        let ids: Vec<u64> = people.keys().copied().collect();
        let pairs = pairs.iter().filter(|_| !ids.is_empty()).map(|pair| pair.map(|end| *end.get(&ids)));
        let friendships = pairs.filter(|[a, b]| a != b).map(|[a, b]| (a.min(b), a.max(b))).collect();
        Graph { people, friendships }
    })
}

struct Reading {
    people: Vec<Person>,
    friendships: Vec<[u64; 2]>,
}

impl Source for Reading {
    fn positions(&self) -> Positions {
        Positions { user: "17-3".parse().unwrap(), friend: "18-0".parse().unwrap() }
    }

    fn next_person(&mut self) -> io::Result<Option<Person>> {
        Ok(self.people.pop())
    }

    fn next_friendship(&mut self) -> io::Result<Option<[u64; 2]>> {
        Ok(self.friendships.pop())
    }
}

fn written(graph: &Graph, format: Format) -> String {
    let person = |(&id, details): (&u64, &Option<(String, String, u64)>)| {
        let user = details.as_ref().map(|(first, last, millis)| User {
            id: UserId::new(id).unwrap(),
            first_name: Name::parse(first).unwrap(),
            last_name: Name::parse(last).unwrap(),
            created_at: Timestamp::from_millis(*millis),
            updated_at: Timestamp::from_millis(*millis),
        });
        Person { id, user }
    };
    // The larger first: it is the writer that puts them in order.
    let friendships = graph.friendships.iter().map(|&(a, b)| [b, a]).collect();
    let mut source = Reading { people: graph.people.iter().map(person).collect(), friendships };
    let mut out = Vec::new();
    let totals = write(&mut source, format, &mut out).unwrap();
    let [people, friendships] = [graph.people.len(), graph.friendships.len()].map(|count| count as u64);
    assert_eq!(totals, Totals { people, friendships });
    String::from_utf8(out).expect("UTF-8")
}

fn millis(time: &str) -> u64 {
    time.parse::<Timestamp>().unwrap().as_millis()
}

/// Like `insert`, but of what is not there yet.
fn put(friendships: &mut Friendships, a: u64, b: u64) {
    assert!(a < b && friendships.insert((a, b)), "{a}-{b}: the smaller first, and each once");
}

fn read_json(text: &str) -> Graph {
    let value: serde_json::Value = serde_json::from_str(text).unwrap();
    assert_eq!(value["lastEvent"], "user:17-3,friend:18-0");
    let mut graph = Graph::default();
    for person in value["people"].as_array().unwrap() {
        let field = |name: &str| person[name].as_str().map(str::to_owned);
        let known = person["known"].as_bool().unwrap();
        let details = known
            .then(|| (field("firstName").unwrap(), field("lastName").unwrap(), millis(&field("createdAt").unwrap())));
        assert_eq!(person.as_object().unwrap().len(), if known { 6 } else { 2 }, "{person}");
        assert!(graph.people.insert(person["id"].as_u64().unwrap(), details).is_none());
    }
    for pair in value["friendships"].as_array().unwrap() {
        assert_eq!(pair.as_array().unwrap().len(), 2);
        put(&mut graph.friendships, pair[0].as_u64().unwrap(), pair[1].as_u64().unwrap());
    }
    graph
}

fn read_csv(text: &str) -> Friendships {
    assert!(text.ends_with("\r\n") && text.matches('\n').count() == text.matches("\r\n").count());
    let mut reader = csv::ReaderBuilder::new().from_reader(text.as_bytes());
    assert_eq!(reader.headers().unwrap(), vec!["source", "target"]);
    let mut friendships = Friendships::new();
    for row in reader.deserialize() {
        let (a, b): (u64, u64) = row.unwrap();
        put(&mut friendships, a, b);
    }
    friendships
}

fn read_graphml(text: &str) -> Graph {
    const NAMESPACE: &str = "http://graphml.graphdrawing.org/xmlns";
    let document = roxmltree::Document::parse(text).expect("well-formed XML");
    let root = document.root_element();
    assert!(root.has_tag_name((NAMESPACE, "graphml")));
    let keys: BTreeSet<&str> = root.children().filter(|node| node.has_tag_name((NAMESPACE, "key"))).map(key).collect();
    fn key<'a>(node: roxmltree::Node<'a, '_>) -> &'a str {
        node.attribute("id").unwrap()
    }
    let drawn = root.children().find(|node| node.has_tag_name((NAMESPACE, "graph"))).unwrap();
    assert_eq!(drawn.attribute("edgedefault"), Some("undirected"));
    let mut graph = Graph::default();
    for node in drawn.children().filter(roxmltree::Node::is_element) {
        let data: BTreeMap<&str, &str> = node
            .children()
            .filter(roxmltree::Node::is_element)
            .map(|data| (data.attribute("key").unwrap(), data.text().unwrap_or_default()))
            .collect();
        let id = |name: &str| node.attribute(name).unwrap().parse::<u64>().unwrap();
        match node.tag_name().name() {
            "data" => assert_eq!(node.text(), Some("user:17-3,friend:18-0")),
            "node" => {
                assert!(data.keys().all(|key| keys.contains(key)), "{data:?}");
                let known = data["known"] == "true";
                assert_eq!(data.len(), if known { 4 } else { 1 });
                let of = |key: &str| data[key].to_owned();
                let details = known.then(|| (of("firstName"), of("lastName"), millis(data["createdAt"])));
                assert!(graph.people.insert(id("id"), details).is_none());
            }
            "edge" => put(&mut graph.friendships, id("source"), id("target")),
            other => panic!("<{other}>"),
        }
    }
    graph
}

/// XML has no way to say these two.
fn as_xml_can_say_it(graph: &Graph) -> Graph {
    let said = |name: &str| name.replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}");
    let person = |details: &(String, String, u64)| (said(&details.0), said(&details.1), details.2);
    let people = graph.people.iter().map(|(&id, details)| (id, details.as_ref().map(person))).collect();
    Graph { people, friendships: graph.friendships.clone() }
}

fn read_cypher(text: &str) -> Graph {
    let loaded = cypher::load(text);
    let mut graph = Graph::default();
    for (id, details) in loaded.people {
        let details = details.map(|[first, last, created]| (first, last, millis(&created)));
        assert!(graph.people.insert(id, details).is_none());
    }
    for [a, b] in loaded.friendships {
        assert!(graph.people.contains_key(&a) && graph.people.contains_key(&b), "people come before");
        put(&mut graph.friendships, a, b);
    }
    let counts = format!("{} AS people, {} AS friendships", graph.people.len(), graph.friendships.len());
    assert!(text.ends_with(&format!("'user:17-3,friend:18-0' AS lastEvent, {counts};\n")), "a trailer");
    graph
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_format_is_read_back(graph in graph()) {
        prop_assert_eq!(&read_json(&written(&graph, Format::Json)), &graph);
        prop_assert_eq!(&read_csv(&written(&graph, Format::Csv)), &graph.friendships);
        prop_assert_eq!(&read_graphml(&written(&graph, Format::GraphMl)), &as_xml_can_say_it(&graph));
        prop_assert_eq!(&read_cypher(&written(&graph, Format::Cypher)), &graph);
    }
}

/// More than one statement, and more than one piece.
#[test]
fn large_ones_are_read_back_too() {
    let nasty = |id: u64| format!("{} {id}", NASTY[id as usize % 17]);
    let person = |id: u64| (id, (!id.is_multiple_of(7)).then(|| (nasty(id), format!("N {id}"), id)));
    let people: People = (1..=2600).map(person).collect();
    let friendships = (1..2600).flat_map(|id| [(id, id + 1), (id, 2600)]).filter(|(a, b)| a < b).collect();
    let graph = Graph { people, friendships };
    assert_eq!(read_json(&written(&graph, Format::Json)), graph);
    assert_eq!(read_csv(&written(&graph, Format::Csv)), graph.friendships);
    assert_eq!(read_graphml(&written(&graph, Format::GraphMl)), graph);
    let cypher = written(&graph, Format::Cypher);
    assert_eq!(read_cypher(&cypher), graph);
    assert_eq!(cypher.lines().count(), 1 + 6 + 11 + 1, "an index, so many statements of 500 rows, and the trailer");
}

/// A source that breaks, as a damaged file would.
#[test]
fn what_breaks_off_is_never_a_whole_file() {
    struct Broken;
    impl Source for Broken {
        fn positions(&self) -> Positions {
            Positions::default()
        }
        fn next_person(&mut self) -> io::Result<Option<Person>> {
            Ok(None)
        }
        fn next_friendship(&mut self) -> io::Result<Option<[u64; 2]>> {
            Err(io::ErrorKind::InvalidData.into())
        }
    }
    for format in Format::ALL {
        let mut out = Vec::new();
        assert!(write(&mut Broken, format, &mut out).is_err(), "{}", format.name());
        assert!(out.is_empty(), "nothing but whole pieces is written");
    }
}
