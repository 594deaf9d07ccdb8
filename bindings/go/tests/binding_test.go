package tests

import (
	"math"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

	"rocksgc"
)

func TestOptions(t *testing.T) {
	if !strings.Contains(rocksgc.DescribeOptions(), "recheck_seconds") {
		t.Fatal(rocksgc.DescribeOptions())
	}
	if rocksgc.Version() == "" {
		t.Fatal("no version")
	}
	for _, bad := range []struct {
		options *rocksgc.Options
		part    string
	}{
		{rocksgc.NewOptions().Set("no_such_option", "1"), "no_such_option"},
		{rocksgc.NewOptions().Parse("recheck=auto;history=sideways"), "sideways"},
		{rocksgc.NewOptions().Set("recheck\x00", "auto"), "NUL"},
		{rocksgc.NewOptions().Set("key_layout", "plain"), "plain"},
	} {
		_, err := rocksgc.New(bad.options)
		fails(t, err, rocksgc.ErrInvalidArgument, bad.part)
	}
	must(t, newGc(t, "recheck=manual;recheck_seconds=0").Close())
}

func TestSafePointsAreUnsigned(t *testing.T) {
	gc := newGc(t, "")
	defer gc.Close()
	high := uint64(math.MaxUint64 - 0xffff)
	must(t, gc.Register(rocksgc.GCKeyspaceLevel, 1, 2, 3))
	must(t, gc.Register(rocksgc.GCGlobal, 4))
	equal(t, true, got[bool](t)(gc.AdvanceGlobalSafePoint(high)))
	equal(t, false, got[bool](t)(gc.AdvanceGlobalSafePoint(5)))
	equal(t, high, got[uint64](t)(gc.GlobalSafePoint()))
	equal(t, high, got[uint64](t)(gc.SafePoint(4)))
	equal(t, true, got[bool](t)(gc.AdvanceSafePoint(1, high)))
	equal(t, 2, got[int](t)(gc.AdvanceSafePoints([]uint32{2, 3, 1}, []uint64{7, high, 6})))
	equal(t, 0, got[int](t)(gc.AdvanceSafePoints(nil, nil)))
	key := got[[]byte](t)(gc.EncodeKey(rocksgc.ModeRaw, 3, row, 1))
	equal(t, high, got[uint64](t)(gc.SafePointOfKey(key)))
	equal(t, uint64(0), got[uint64](t)(gc.SafePointOfKey(nil)))
	_, err := gc.AdvanceSafePoint(1, math.MaxUint64)
	fails(t, err, rocksgc.ErrInvalidArgument, "18446744073709551615")
	_, err = gc.AdvanceSafePoints([]uint32{1, 2}, []uint64{9, 0})
	fails(t, err, rocksgc.ErrInvalidArgument, "1")
	_, err = gc.AdvanceSafePoints([]uint32{1, 2}, []uint64{9})
	fails(t, err, rocksgc.ErrInvalidArgument, "2 keyspaces and 1 safe points")
	_, err = gc.ConsistencySafePoint(rocksgc.Range{})
	fails(t, err, rocksgc.ErrNotSupported, "keyspace")
	four := got[rocksgc.Range](t)(gc.KeyspaceRange(rocksgc.ModeRaw, 4))
	equal(t, high, got[uint64](t)(gc.ConsistencySafePoint(four)))
	if got[rocksgc.Stats](t)(gc.Stats()).SafePointsRefused < 2 {
		t.Fatal("nothing was refused")
	}
	if !strings.Contains(got[string](t)(gc.Metrics()), "rocks_gc_safe_points_refused_total") {
		t.Fatal("metrics")
	}
}

func TestKeyspaces(t *testing.T) {
	gc := newGc(t, "")
	defer gc.Close()
	must(t, gc.Register(rocksgc.GCKeyspaceLevel, 1))
	fails(t, gc.Register(rocksgc.GCGlobal, 1), rocksgc.ErrInvalidArgument, "1")
	must(t, gc.LoadKeyspace(rocksgc.KeyspaceMeta{
		ID: 2, State: rocksgc.KeyspaceEnabled, Name: "two", GCManagementType: "keyspace_level"}))
	fails(t, gc.LoadKeyspace(rocksgc.KeyspaceMeta{ID: 4, Name: "four", GCManagementType: "sometimes"}),
		rocksgc.ErrInvalidArgument, "sometimes")
	// id 3, name "three", state ENABLED
	must(t, gc.LoadKeyspaceProtobuf([]byte("\x08\x03\x12\x05three")))
	fails(t, gc.LoadKeyspaceProtobuf([]byte(`{"id": 3}`)), rocksgc.ErrCorruption, "")
	got[bool](t)(gc.AdvanceSafePoint(2, 20))
	must(t, gc.Pause(3))
	list := got[[]rocksgc.KeyspaceInfo](t)(gc.Keyspaces())
	equal(t, rocksgc.KeyspaceInfo{
		ID: 2, State: rocksgc.KeyspaceEnabled, GCType: rocksgc.GCKeyspaceLevel,
		OwnSafePoint: 20, EffectiveSafePoint: 20, Name: "two"}, list[1])
	equal(t, rocksgc.GCType(-2), list[2].GCType)
	equal(t, rocksgc.KeyspaceState(-1), list[0].State)
}

func TestBarriers(t *testing.T) {
	gc := newGc(t, "")
	defer gc.Close()
	must(t, gc.Register(rocksgc.GCKeyspaceLevel, 7))
	must(t, gc.SetBarrier(7, "reader", 30, rocksgc.NoTTL))
	must(t, gc.SetBarrier(rocksgc.KeyspaceNone, "reader", 40, 3600))
	must(t, gc.SetBarrier(rocksgc.KeyspaceAll, "backup", 50, rocksgc.NoTTL))
	equal(t, true, got[bool](t)(gc.AdvanceSafePoint(7, 60)))
	equal(t, uint64(30), got[uint64](t)(gc.SafePoint(7)))
	equal(t, true, got[bool](t)(gc.AdvanceGlobalSafePoint(60)))
	equal(t, uint64(40), got[uint64](t)(gc.GlobalSafePoint()))
	list := got[[]rocksgc.BarrierInfo](t)(gc.Barriers())
	equal(t, 3, len(list))
	equal(t, rocksgc.BarrierInfo{
		Keyspace: 7, Name: "reader", TS: 30, ExpiresUnixSeconds: rocksgc.NoTTL}, list[0])
	equal(t, rocksgc.KeyspaceNone, list[1].Keyspace)
	equal(t, rocksgc.KeyspaceAll, list[2].Keyspace)
	equal(t, true, got[bool](t)(gc.DeleteBarrier(7, "reader")))
	equal(t, false, got[bool](t)(gc.DeleteBarrier(7, "reader")))
	equal(t, uint64(50), got[uint64](t)(gc.SafePoint(7)))
	fails(t, gc.SetBarrier(7, "reader", 49, rocksgc.NoTTL), rocksgc.ErrInvalidArgument, "is behind")
	fails(t, gc.SetBarrier(7, "a\x00b", 90, 1), rocksgc.ErrInvalidArgument, "NUL")
}

func TestNamesLocksAndTheLedger(t *testing.T) {
	gc := newGc(t, "")
	defer gc.Close()
	must(t, gc.LoadKeyspace(rocksgc.KeyspaceMeta{ID: 9, Name: "nine"}))
	id, found, err := gc.KeyspaceByName("nine")
	must(t, err)
	equal(t, true, found)
	equal(t, uint32(9), id)
	_, found, err = gc.KeyspaceByName("ten")
	must(t, err)
	equal(t, false, found)
	_, err = gc.OldestLock(7, 5)
	fails(t, err, rocksgc.ErrInvalidArgument, "no store")
	fails(t, gc.ReloadLedger(), rocksgc.ErrInvalidArgument, "no store")
}

func TestIDsOutOfRange(t *testing.T) {
	gc := newGc(t, "")
	defer gc.Close()
	for _, id := range []uint32{rocksgc.KeyspaceMax + 1, 1 << 31, rocksgc.KeyspaceNone} {
		kind := rocksgc.ErrInvalidArgument
		fails(t, gc.Register(rocksgc.GCGlobal, 1, id), kind, "keyspace")
		_, err := gc.AdvanceSafePoint(id, 1)
		fails(t, err, kind, "keyspace")
		_, err = gc.SafePoint(id)
		fails(t, err, kind, "keyspace")
		fails(t, gc.Pause(id), kind, "keyspace")
		_, err = rocksgc.Codec{Mode: rocksgc.ModeRaw, Keyspace: id}.EncodeKey(row)
		fails(t, err, kind, "keyspace")
		_, err = gc.EncodeKey(rocksgc.ModeRaw, id, row, 1)
		fails(t, err, kind, "keyspace")
	}
	equal(t, 0, len(got[[]rocksgc.KeyspaceInfo](t)(gc.Keyspaces())))
}

func TestStoredKeysWithNULBytes(t *testing.T) {
	gc := newGc(t, "")
	defer gc.Close()
	for _, user := range [][]byte{row, {}, make([]byte, 100)} {
		stored := got[[]byte](t)(gc.EncodeKey(rocksgc.ModeTxn, rocksgc.KeyspaceMax, user, math.MaxUint64))
		equal(t, rocksgc.StoredKey{
			Mode: rocksgc.ModeTxn, Keyspace: rocksgc.KeyspaceMax, UserKey: user, TS: math.MaxUint64,
		}, got[rocksgc.StoredKey](t)(gc.DecodeKey(stored)))
	}
	_, err := gc.DecodeKey([]byte{1, 2, 3})
	fails(t, err, rocksgc.ErrCorruption, "")
	whole := got[rocksgc.Range](t)(gc.KeyspaceRange(rocksgc.ModeRaw, 7))
	equal(t, whole, got[rocksgc.Range](t)(gc.EncodeRange(rocksgc.ModeRaw, 7, rocksgc.Range{})))
	_, err = gc.EncodeRange(rocksgc.ModeRaw, 7, rocksgc.Range{Start: []byte{2}, End: []byte{1}})
	fails(t, err, rocksgc.ErrInvalidArgument, "start")
}

func TestCodec(t *testing.T) {
	codec := rocksgc.Codec{Mode: rocksgc.ModeRaw, Keyspace: 4242}
	bytes, keys, ranges := got[[]byte](t), got[[][]byte](t), got[rocksgc.Range](t)
	request := bytes(codec.EncodeKey(row))
	equal(t, codec, got[rocksgc.Codec](t)(rocksgc.CodecOfRequestKey(request)))
	equal(t, row, bytes(codec.DecodeKey(request)))
	region := bytes(codec.EncodeRegionKey(row))
	equal(t, row, bytes(codec.DecodeRegionKey(region)))
	rows := rocksgc.Range{Start: row, End: []byte{'s'}}
	equal(t, rows, ranges(codec.DecodeRange(ranges(codec.EncodeRange(rows)))))
	equal(t, rows, ranges(codec.DecodeRegionRange(ranges(codec.EncodeRegionRange(rows)))))
	many := [][]byte{row, {}, {0}, make([]byte, 1000)}
	equal(t, many, keys(codec.DecodeKeys(keys(codec.EncodeKeys(many)))))
	equal(t, [][]byte{}, keys(codec.EncodeKeys(nil)))
	equal(t, [][]byte{{}, row, {}}, keys(codec.DecodeBucketKeys([][]byte{{}, region, {}})))
	other := rocksgc.Codec{Mode: rocksgc.ModeRaw, Keyspace: 1}
	equal(t, 1, len(keys(other.DecodeBucketKeys([][]byte{region, {}}))))
	_, err := other.DecodeKey(request)
	fails(t, err, rocksgc.ErrInvalidArgument, "outside keyspace")
	_, err = codec.DecodeRegionKey([]byte{1, 2, 3})
	fails(t, err, rocksgc.ErrCorruption, "")
	_, err = rocksgc.CodecOfRequestKey(nil)
	fails(t, err, rocksgc.ErrInvalidArgument, "")
}

func TestSchemas(t *testing.T) {
	gc := newGc(t, "schema_id=prefix")
	d := attach(t, gc, 1)
	defer close(t, gc, d)
	must(t, gc.Register(rocksgc.GCKeyspaceLevel, 1))
	must(t, gc.LoadSchemas(1, []uint32{3, 5}, 9))
	fails(t, gc.LoadSchemas(1, []uint32{10}, 9), rocksgc.ErrInvalidArgument, "10")
	must(t, gc.CreateSchema(1, math.MaxUint32))
	state := got[rocksgc.SchemaState](t)
	equal(t, rocksgc.SchemaValid, state(gc.SchemaState(1, math.MaxUint32)))
	equal(t, rocksgc.SchemaDropped, state(gc.SchemaState(1, 4)))
	must(t, d.put(gc, 1, []byte{0, 0, 0, 3, 'a'}, 10, row))
	must(t, gc.DropSchema(1, 3))
	must(t, gc.TruncateSchema(1, 5, 77))
	fails(t, gc.TruncateSchema(1, 5, 0), rocksgc.ErrInvalidArgument, "0")
	equal(t, uint64(0), got[uint64](t)(gc.Drain(30*time.Second)))
	equal(t, uint64(0), got[uint64](t)(gc.Pending()))
	equal(t, 0, d.versions(gc, 1))
	list := got[[]rocksgc.SchemaInfo](t)(gc.Schemas())
	equal(t, rocksgc.SchemaDropped, list[0].State)
	equal(t, uint32(5), list[1].ID)
	equal(t, uint32(math.MaxUint32), list[2].ID)
}

func TestDestroys(t *testing.T) {
	gc := newGc(t, "recheck=manual;recheck_seconds=0")
	d := attach(t, gc, 1)
	defer close(t, gc, d)
	var ranges [4]rocksgc.Range
	for keyspace := uint32(1); keyspace <= 6; keyspace++ {
		must(t, d.put(gc, keyspace, row, 10, row))
		if keyspace < 4 {
			ranges[keyspace] = got[rocksgc.Range](t)(gc.KeyspaceRange(rocksgc.ModeRaw, keyspace))
		}
	}
	must(t, d.flush())
	report := got[rocksgc.DestroyReport](t)
	report(gc.DestroyRange(ranges[1], 0))
	report(gc.DestroyRanges(ranges[2:], rocksgc.DestroyForce))
	_, err := gc.DestroyRanges([]rocksgc.Range{ranges[1], {Start: ranges[1].End}}, 0)
	fails(t, err, rocksgc.ErrInvalidArgument, "1")
	report(gc.DestroyKeyspace(4, rocksgc.DestroyForce))
	report(gc.DestroyKeyspaces([]uint32{5}, 0))
	for keyspace := uint32(1); keyspace <= 5; keyspace++ {
		equal(t, 0, d.versions(gc, keyspace))
	}
	equal(t, 7, got[int](t)(gc.DestroyedCount()))

	must(t, gc.DestroyKeyspaceAfter(6, 50, 0))
	var pending rocksgc.DestroyedRange
	for _, record := range got[[]rocksgc.DestroyedRange](t)(gc.Destroyed()) {
		if record.Keyspace == 6 {
			pending = record
		}
	}
	equal(t, rocksgc.DestroyPending, pending.State)
	equal(t, uint64(50), pending.PendingTS)
	must(t, gc.TakeBackDestroyKeyspace(6))
	must(t, gc.DestroyRangeAfter(pending.Range, math.MaxUint64-2, 0))
	must(t, gc.TakeBackDestroyRange(pending.Range))
	fails(t, gc.TakeBackDestroyRange(pending.Range), rocksgc.ErrNotFound, "")
	equal(t, 1, d.versions(gc, 6))

	equal(t, uint64(0), got[uint64](t)(gc.Drain(time.Minute)))
	equal(t, uint64(0), got[rocksgc.Debt](t)(gc.Debt()).Debts)
	must(t, gc.ReleaseDestroyed(ranges[1]))
	report(gc.RecheckDestroyedRange(ranges[2]))
	removed, _, err := gc.RecheckDestroyed(uint64(time.Now().Unix()) + 100)
	must(t, err)
	equal(t, 5, removed)
	equal(t, 0, len(got[[]rocksgc.DestroyedRange](t)(gc.Destroyed())))
}

func TestCollectAndExplain(t *testing.T) {
	gc := newGc(t, "")
	d := attach(t, gc, 1)
	defer close(t, gc, d)
	must(t, gc.Register(rocksgc.GCKeyspaceLevel, 1))
	for _, ts := range []uint64{10, 20, 30} {
		must(t, d.put(gc, 1, row, ts, row))
		must(t, d.put(gc, 1, []byte("z"), ts, row))
		must(t, d.flush())
	}
	text, answers, err := gc.ExplainKeyspace(1)
	must(t, err)
	equal(t, rocksgc.WhyNoOwnSafePoint, answers[0].Why)
	equal(t, "default", answers[0].ColumnFamily)
	if text == "" || answers[0].Text == "" {
		t.Fatal("no text")
	}
	_, answers, err = gc.Explain(rocksgc.Range{})
	must(t, err)
	equal(t, 1, len(answers))
	got[bool](t)(gc.AdvanceSafePoint(1, 100))
	must(t, gc.SetEnabled(false))
	_, err = gc.Collect("", rocksgc.Range{}, 0)
	fails(t, err, rocksgc.ErrInvalidArgument, "")
	must(t, gc.SetEnabled(true))
	report := got[rocksgc.CollectReport](t)
	equal(t, uint64(3), report(gc.CollectDryRun("default", rocksgc.Range{}, 0)).FilesConsidered)
	equal(t, 6, d.versions(gc, 1))
	if report(gc.Collect("", rocksgc.Range{}, 0)).VersionsRemoved == 0 {
		t.Fatal("nothing was collected")
	}
	equal(t, 2, d.versions(gc, 1))
	_, err = gc.Collect("nonsense", rocksgc.Range{}, 0)
	fails(t, err, rocksgc.ErrNotFound, "nonsense")
}

func TestFamiliesWithHandles(t *testing.T) {
	gc := newGc(t, "")
	o := newOptions(1)
	defer o.close()
	must(t, gc.Bind(""))
	must(t, gc.Install(pointer(o), rocksgc.KindRaw))
	d := got[*db](t)(openFamilies(o, t.TempDir()))
	must(t, gc.Attach(unsafe.Pointer(d.c),
		rocksgc.Family{Role: rocksgc.RoleDefault, Name: "default", Handle: unsafe.Pointer(d.handle[0])},
		rocksgc.Family{Role: rocksgc.RoleLedger, Name: "gc", Handle: unsafe.Pointer(d.handle[1])}))
	got[rocksgc.DestroyReport](t)(gc.DestroyKeyspace(1, 0))
	equal(t, 2, got[int](t)(gc.DestroyedCount()))
	close(t, gc, d)
}

func TestCallbacksThatPanic(t *testing.T) {
	var mutex sync.Mutex
	lines := 0
	must(t, rocksgc.SetLogger(func(level rocksgc.LogLevel, message string) {
		mutex.Lock()
		defer mutex.Unlock()
		if lines++; lines%2 == 0 {
			panic("a logger that panics")
		}
	}, rocksgc.LogDebug))
	defer func() { must(t, rocksgc.SetLogger(nil, rocksgc.LogOff)) }()
	gc := newGc(t, "")
	must(t, gc.SetClock(func() uint64 { panic("a clock that panics") }))
	d := attach(t, gc, 1)
	must(t, gc.Register(rocksgc.GCKeyspaceLevel, 1))
	got[bool](t)(gc.AdvanceSafePoint(1, 25))
	for _, ts := range []uint64{10, 20, 30} {
		must(t, d.put(gc, 1, row, ts, row))
	}
	must(t, d.compact())
	equal(t, 1, d.versions(gc, 1))
	must(t, gc.SetClock(nil))
	close(t, gc, d)
	mutex.Lock()
	defer mutex.Unlock()
	if lines < 2 {
		t.Fatalf("%d lines in the log", lines)
	}
}

func TestCallbackMayNotClose(t *testing.T) {
	gc := newGc(t, "max_safe_point_ahead_seconds=10")
	var refused []error
	var point error
	must(t, gc.SetClock(func() uint64 {
		refused = []error{
			gc.Close(), gc.Detach(), gc.SetClock(nil), gc.SetEnabled(false),
			rocksgc.SetLogger(nil, rocksgc.LogOff),
		}
		_, point = gc.GlobalSafePoint()
		return 1_000_000
	}))
	equal(t, true, got[bool](t)(gc.AdvanceGlobalSafePoint(1)))
	equal(t, 5, len(refused))
	for _, err := range refused {
		fails(t, err, rocksgc.ErrBusy, "refused")
	}
	must(t, point)
	must(t, gc.Close())
}

// TestListenerAndWALFilter: RocksDB's C API has listeners from 10.4 on, WAL filters from 11.8 on.
func TestListenerAndWALFilter(t *testing.T) {
	gc := newGc(t, "")
	o := newOptions(1)
	defer o.close()
	must(t, gc.Bind(""))
	if err := gc.Listen(pointer(o)); err != nil {
		fails(t, err, rocksgc.ErrNotSupported, "listener")
	}
	filter, err := gc.WALFilter("default")
	if err != nil {
		fails(t, err, rocksgc.ErrNotSupported, "walfilter")
	} else if filter == nil {
		t.Fatal("no filter")
	}
	must(t, gc.Install(pointer(o), rocksgc.KindRaw))
	must(t, gc.Register(rocksgc.GCKeyspaceLevel, 1))
	got[bool](t)(gc.AdvanceSafePoint(1, 25))
	d := got[*db](t)(open(o, t.TempDir()))
	must(t, gc.Attach(unsafe.Pointer(d.c), rocksgc.DefaultFamily))
	for _, ts := range []uint64{10, 20, 30} {
		must(t, d.put(gc, 1, row, ts, row))
	}
	must(t, d.compact())
	equal(t, 1, d.versions(gc, 1))
	close(t, gc, d)
}

func TestWrongPointersAndPaths(t *testing.T) {
	gc := newGc(t, "")
	defer gc.Close()
	o := newOptions(1)
	_, err := gc.FilterFactory(rocksgc.KindRaw)
	fails(t, err, rocksgc.ErrInvalidArgument, "")
	fails(t, gc.Bind("/no/such/rocksdb"), rocksgc.ErrNotFound, "/no/such/rocksdb")
	must(t, gc.Bind(""))
	_, err = gc.FilterFactory(99)
	fails(t, err, rocksgc.ErrInvalidArgument, "99")
	o.close()
	fails(t, gc.Install(pointer(o), rocksgc.KindRaw), rocksgc.ErrInvalidArgument, "closed")
	fails(t, gc.Listen(pointer(o)), rocksgc.ErrInvalidArgument, "closed")
	fails(t, gc.Attach(nil, rocksgc.DefaultFamily), rocksgc.ErrInvalidArgument, "")
	_, err = gc.Debt()
	fails(t, err, rocksgc.ErrInvalidArgument, "")
}

// rocksDBPath finds RocksDB in /proc/self/maps.
var rocksDBPath = regexp.MustCompile(`/.*librocksdb\.so.*`)

func TestBindByPath(t *testing.T) {
	path := rocksDBPath.Find(got[[]byte](t)(os.ReadFile("/proc/self/maps")))
	if path == nil {
		t.Skip("RocksDB is linked statically")
	}
	gc := newGc(t, "")
	defer gc.Close()
	o := newOptions(1)
	defer o.close()
	must(t, gc.Bind(string(path)))
	must(t, gc.Install(pointer(o), rocksgc.KindRaw))
}
