import Foundation

/// A cell of the table.
struct Measured: Hashable {
  var row: String
  var contender: Contender
}

/// The tables of a comparison.
struct Report {
  var rows: [ComparedRow]
  /// By name, of each round.
  var figures: [Measured: [[String: Double]]]

  /// Operations a second and bytes a document of all, and darkbird's as a ratio to each.
  var comparison: String {
    let peers = Contender.allCases.filter { peer in
      peer != .darkbird && figures.keys.contains { $0.contender == peer }
    }
    var head = ["row", "darkbird"]
    for peer in peers { head += peer == .seed ? [peer.rawValue, "ratio", "must", "met"] : [peer.rawValue, "ratio"] }
    var lines = [head]
    for row in rows {
      lines.append(line(row.label, row, "operations", peers, must: row.must) { $0 >= $1 })
      if figure(row, .darkbird, "bytes") != nil {
        lines.append(line("  bytes a document", row, "bytes", peers, must: row.mustBytes) { $0 <= $1 })
      }
    }
    return table(lines)
  }

  /// One line for each row: the operations a second of all.
  var summary: String {
    rows.map { row in
      let all = Contender.allCases.compactMap { contender in
        figure(row, contender, "operations").map { "\(contender.rawValue) \(number($0))" }
      }
      return "\(row.label): \(all.joined(separator: ", "))"
    }.joined(separator: "\n")
  }

  /// The bars that no peer sets; empty if no row of theirs was run.
  var own: String {
    var lines: [[String]] = []
    for bar in ownBars {
      guard let row = rows.first(where: { $0.name == bar.row }), let value = figure(row, .darkbird, bar.figure) else {
        continue
      }
      let rounds = rounds(row, .darkbird, bar.figure).sorted()
      let spread = rounds.count > 1 ? "\(number(rounds[0])) to \(number(rounds[rounds.count - 1]))" : ""
      lines.append([bar.row, bar.what, number(value), spread, bar.must, bar.isMet(value) ? "yes" : "NO"])
    }
    return lines.isEmpty ? "" : table([["row", "figure", "median", "rounds", "must", "met"]] + lines)
  }

  private func rounds(_ row: ComparedRow, _ contender: Contender, _ name: String) -> [Double] {
    figures[Measured(row: row.label, contender: contender), default: []].compactMap { $0[name] }
  }

  /// The median of the rounds.
  private func figure(_ row: ComparedRow, _ contender: Contender, _ name: String) -> Double? {
    let rounds = rounds(row, contender, name)
    return rounds.isEmpty ? nil : median(rounds)
  }

  private func line(
    _ label: String, _ row: ComparedRow, _ name: String, _ peers: [Contender], must: Double?,
    isMet: (Double, Double) -> Bool
  ) -> [String] {
    let own = figure(row, .darkbird, name)
    var cells = [label, own.map(number) ?? "-"]
    for peer in peers {
      let other = figure(row, peer, name)
      // Of what ran one after the other.
      let ratios = zip(rounds(row, .darkbird, name), rounds(row, peer, name)).map { $0 / $1 }.sorted()
      let ratio = ratios.isEmpty ? nil : median(ratios)
      cells += [other.map(number) ?? "-", ratio.map { Self.spread($0, ratios) } ?? "-"]
      guard peer == .seed else { continue }
      cells.append(must.map { String(format: "%.1f", $0) } ?? "")
      if let must, let ratio { cells.append(isMet(ratio, must) ? "yes" : "NO") } else { cells.append("") }
    }
    return cells
  }

  /// A median, and from where to where the rounds go.
  private static func spread(_ median: Double, _ sorted: [Double]) -> String {
    if sorted.count == 1 { return String(format: "%.2f", median) }
    return String(format: "%.2f (%.2f-%.2f)", median, sorted[0], sorted[sorted.count - 1])
  }

  private func number(_ value: Double) -> String {
    if value.magnitude < 100 { return String(format: "%.2f", value) }
    var digits = String(Int(value.rounded()))
    var groups: [String] = []
    while digits.count > 3 {
      groups.insert(String(digits.suffix(3)), at: 0)
      digits.removeLast(3)
    }
    return ([digits] + groups).joined(separator: ",")
  }

  /// The first column to the left, the others to the right; those that hold words to the left too.
  private func table(_ lines: [[String]]) -> String {
    let widths = lines[0].indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
    return lines.map { line in
      zip(line, widths).enumerated().map { column, cell in
        let blanks = String(repeating: " ", count: cell.1 - cell.0.count)
        return column == 0 || lines[0][column] == "figure" ? cell.0 + blanks : blanks + cell.0
      }.joined(separator: "  ")
    }.joined(separator: "\n")
  }
}

/// The middle of some figures, of which there is at least one; of an even number the mean of the two in the middle.
private func median(_ figures: [Double]) -> Double {
  let sorted = figures.sorted()
  return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
}
