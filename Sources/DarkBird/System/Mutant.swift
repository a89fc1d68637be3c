#if DARKBIRD_MUTANTS
  import CDarkBird
  import Foundation
  import Synchronization
#endif

/// Faults that can be planted in the engine, to show that a test would notice them.
///
/// `Tests/engine` compiles with `-DDARKBIRD_MUTANTS`. `Tests/mutants` plants one fault at a time there, by the environment
/// variable `DARKBIRD_MUTANT`, and expects the test that it names to fail. In every other build but that for ThreadSanitizer
/// `planted` is a constant `false`, also in inlined code, and what it guards is compiled away.
@usableFromInline
enum Mutant: String, Sendable {
  // Locks
  case batchShardsLockedInAnyOrder, outdatedBatchDone
  case shardNotLocked, lookupNotChecked, slotSeenTooEarly, ownersNotChecked, batchSeenInParts
  case freedUnderReaders, tableFreedUnderReaders, ownersNotKept
  case stripesNotLocked, stripesLockedInAnyOrder, storeNotLockedAsAWhole
  case lockWakesNobody, conditionWakesNobody, gateWakesNobody
  // The write path
  case uniqueNotChecked, clearedClaimNotCheckedAgain, duplicatePublished, shardUnlockedWhileLogging, entryWithoutLSN
  case lostUpdate, reservationNotReleased, writtenWhileClosing, ownKeysComparedUnderLocks, entryNotCompared
  // Indexes
  case oldTagKept, oldUniqueKept, oldRangeKept, sharedNodeChanged, sharedChunkChanged, ownerChainBroken, tagChainBroken,
    wordChainBroken
  case hashTakenForTheValue, movedValueNotFollowed, probableOwnerNotAsked
  case changeAnnouncedTooLate, changesBeyondTheCut, heldChangesForgotten, bulkRemovalForgotten
  // Queries
  case changedDocumentNotChecked, pageOfManyMoments
  // Events
  case eventsOutOfOrder, writersNotAwaited, gapNotCounted, subscriberNotWoken, replacedNotKept, laterChangesNotKept
  case eventsMadeUnderTheLock, largeBatchKept, resumedWithinAnLSN
  // The log
  case ackWithoutSync, durableBeforeSync, writtenBeforeWrite, sealNotSynced, pageNameNotSynced
  case failureForgotten, failedPageNamed, syncRetried, logHoldsTheStore, nextPageInvented, refusedDemandKept
  case longPageGoesOn, filledBeyondTheRoom, settledRecordReplayed
  case levelOfTheStoreForgotten, intervalForgotten, servedStillCounted, checkpointComesOnce
  case encodingNotChecked, changedSinceTheCondition
  case largeRecordStarves, checkpointWithinACheckpoint, checkpointsPileUp, checkpointGivenUp, threadTakenForStarted
  // Manifest, checkpoint, recovery
  case manifestNotSynced, manifestNameNotSynced, checkpointNotSynced, checkpointAheadOfTheLog,
    pagesRemovedBeforeManifest, longPageKept, pageNotBegun, manifestTakenForDurable, salvageForgetsTheVersion
  case backupTooLate, backupNotReadBack, unpublishedCheckpointTaken, unfinishedNotMarked
  case migrationKeepsTheLog, versionTakenForLocked, migratedMeanwhileTaken, collisionNotSeen
  case mirrorEndsWithinAnLSN, oldRowTakenForCurrent
  case documentBeyondTheEnd, laterFrameNotSought, firstFrameBlamed, tailOverwritten
  case nameNotLookedAtAgain, targetNotLookedAtAgain
  case otherStoreWrittenTo, foreignManifestBelieved
  case tornTailNotCut, tornTailNotKept, lastPageNotRewritten, directoryNotLocked
}

#if DARKBIRD_THREAD_SANITIZER && DARKBIRD_MUTANTS
  /// Not a constant that is made when it is asked for: on Linux the runtime orders all threads that ever ask for one, and with that
  /// almost everything that the sanitizer looks at.
  private func isPlanted(_ mutant: Mutant) -> Bool {
    guard let name = db_planted_mutant() else { return false }
    return strcmp(name, mutant.rawValue) == 0
  }
#elseif DARKBIRD_MUTANTS
  private func isPlanted(_ mutant: Mutant) -> Bool { mutant == plantedMutant }

  private let plantedMutant: Mutant? = ProcessInfo.processInfo.environment["DARKBIRD_MUTANT"].map {
    guard let mutant = Mutant(rawValue: $0) else { preconditionFailure("no mutant is named \($0)") }
    return mutant
  }
#endif

#if DARKBIRD_MUTANTS
  private let calls = Atomic<Int>(0)

  /// Also has other threads run where the fault is, so that a fault of timing need not wait for luck; unless that would have
  /// what the fault must see go by.
  @usableFromInline
  func planted(_ mutant: Mutant, waits: Bool = true) -> Bool {
    if !isPlanted(mutant) { return false }
    if !waits { return true }
    if calls.add(1, ordering: .relaxed).newValue % 8 == 0 { usleep(100) } else { sched_yield() }
    return true
  }
#else
  @inlinable @inline(__always)
  func planted(_: Mutant, waits: Bool = true) -> Bool { false }
#endif
