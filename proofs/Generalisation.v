(* GS-4: a learned rotation's mean cosine carries over to unseen keys, given the uniform law of     *)
(* large numbers of Missing.v. The Rademacher complexity of the cosines is bounded here.            *)
From Coq Require Import Reals.
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.algebra_tactics Require Import ring.
From mathcomp.analysis Require Import Rstruct.
From Routegauge Require Import Vectors MomentRatio IsotropicFloor Khintchine Missing.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.Theory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Contraction.
Variables (F : rcfType) (N : nat) (I : Type) (a : I -> 'I_N -> F) (r : F).
Implicit Types (c : pattern N -> I) (e : pattern N).

(* Moduli at the first m places, plain values at the rest; members selected by c. *)
Definition partly m i (n : 'I_N) : F := if (n < m)%N then `|a i n| else a i n.
Definition correlation (v : I -> 'I_N -> F) c e : F := \sum_n sgnb F (e n) * v (c e) n.

Lemma contraction_step m (mN : (m < N)%N) :
  (forall c, average (correlation (partly m) c) <= r) ->
  forall c, average (correlation (partly m.+1) c) <= r.
Proof.
move=> bound c; pose k := Ordinal mN.
pose good e := 0 <= sgnb F (e k) * (a (c e) k - a (c (flip k e)) k).
pose c' e := if good e then c e else c (flip k e).
apply: le_trans (bound c'); rewrite /average ler_wpmul2r ?invr_ge0 ?ler0n //.
have twice f : \sum_e f e + \sum_e f e = \sum_e (f e + f (flip k e)) :> F.
  by rewrite big_split /= [X in _ = _ + X](reindex_inj (inv_inj (flipK k))) /=; congr (_ + _);
     apply: eq_bigr => e _; rewrite flipK.
suff h e : correlation (partly m.+1) c e + correlation (partly m.+1) c (flip k e) <=
    correlation (partly m) c' e + correlation (partly m) c' (flip k e).
  rewrite -(@ler_pmul2l _ 2) ?ltr0n // !mulr_natl !mulr2n !twice.
  by apply: ler_sum => e _; exact: h.
pose rest i e' := \sum_(n | n != k) sgnb F (e' n) * partly m i n.
have split m' c1 e1 : correlation (partly m') c1 e1 =
    sgnb F (e1 k) * partly m' (c1 e1) k + \sum_(n | n != k) sgnb F (e1 n) * partly m' (c1 e1) n.
  by rewrite /correlation (bigD1 k).
have restE c1 e1 : \sum_(n | n != k) sgnb F (e1 n) * partly m.+1 (c1 e1) n = rest (c1 e1) e1.
  apply: eq_bigr => n nk; congr (_ * _); rewrite /partly ltnS leq_eqVlt.
  by have -> : (n == m :> nat) = false by apply/negbTE; apply: contraNneq nk => nm; apply/eqP/val_inj.
have restF i e1 : rest i (flip k e1) = rest i e1.
  by apply: eq_bigr => n nk; rewrite sgnb_flip (negPf nk) mul1r.
rewrite !split !restE -!/(rest _ _) !restF sgnb_flip eqxx mulN1r.
have at_k i : partly m.+1 i k = `|a i k| by rewrite /partly ltnSn.
have at_k' i : partly m i k = a i k by rewrite /partly ltnn.
rewrite !at_k !at_k'; set s := sgnb F (e k); set i := c e; set j := c (flip k e).
have c'e : c' e = if 0 <= s * (a i k - a j k) then i else j by [].
have c'f : c' (flip k e) = if 0 <= s * (a i k - a j k) then j else i.
  by rewrite /c' /good flipK sgnb_flip eqxx mulN1r mulNr -mulrN opprB.
have sabs : `|s| = 1 by rewrite /s /sgnb; case: (e k); rewrite ?normrN normr1.
have key : s * `|a i k| - s * `|a j k| <= `|s * (a i k - a j k)|.
  rewrite -mulrBr; apply: le_trans (ler_norm _) _; rewrite !normrM sabs !mul1r.
  exact: ler_dist_dist.
have lhs : s * `|a i k| + rest i e + (- s * `|a j k| + rest j e) =
    (s * `|a i k| - s * `|a j k|) + (rest i e + rest j e) by ring.
rewrite lhs c'e c'f; case: ifP => g; rewrite ?restF.
  have -> : s * a i k + rest i e + (- s * a j k + rest j e) = s * (a i k - a j k) + (rest i e + rest j e) by ring.
  by rewrite ler_add2r (le_trans key) // ger0_norm.
have -> : s * a j k + rest j e + (- s * a i k + rest i e) = - (s * (a i k - a j k)) + (rest i e + rest j e) by ring.
by rewrite ler_add2r (le_trans key) // ler0_norm // ltW // ltNge g.
Qed.

(* Contraction: taking moduli does not raise the complexity. *)
Lemma contraction : (forall c, average (correlation a c) <= r) ->
  forall c, average (correlation (fun i n => `|a i n|) c) <= r.
Proof.
move=> bound; have all m : (m <= N)%N -> forall c, average (correlation (partly m) c) <= r.
  elim: m => [_ c|m IH mN]; last by apply: contraction_step => //; apply: IH; exact: ltnW.
  by apply: le_trans (bound c); rewrite le_eqVlt; apply/orP; left; apply/eqP; apply: eq_average.
move=> c; apply: le_trans (all N (leqnn N) c); rewrite le_eqVlt; apply/orP; left; apply/eqP.
by apply: eq_average => e; apply: eq_bigr => n _; rewrite /partly ltn_ord.
Qed.
End Contraction.

Section Complexity.
Variables (F : rcfType) (d N : nat).
Hypothesis N0 : (0 < N)%N.

Definition unit_vector := {v : 'cV[F]_d | sqn v = 1}.
Definition rotation := {A : 'M[F]_d | orthogonal A}.

(* Correlations of N unit vectors with signs: at most sqrt N on average, for the best direction. *)
Lemma direction_complexity (u : 'I_N -> 'cV[F]_d) : (forall n, sqn (u n) = 1) ->
  forall c : pattern N -> unit_vector,
  average (correlation (fun v n => dot (sval v) (u n)) c) <= Num.sqrt N%:R.
Proof.
move=> u1 c; set t := Num.sqrt N%:R; have t0 : 0 < t by rewrite sqrtr_gt0 ltr0n.
have tt : t ^+ 2 = N%:R by rewrite sqr_sqrtr ?ler0n.
pose w (e : pattern N) : 'cV[F]_d := \sum_n sgnb F (e n) *: u n.
have corrE e : correlation (fun v n => dot (sval v) (u n)) c e = dot (sval (c e)) (w e).
  rewrite /w /dot mulmx_sumr summxE; apply: eq_bigr => n _.
  by rewrite -[RHS]/(dot (sval (c e)) (sgnb F (e n) *: u n)) dotZr.
have wE e i : w e i 0 = signed_sum (fun n => u n i 0) e.
  by rewrite /w summxE; apply: eq_bigr => n _; rewrite mxE mulrC.
have energy : average (fun e => sqn (w e)) = N%:R.
  rewrite (@eq_average _ _ _ (fun e => \sum_i signed_sum (fun n => u n i 0) e ^+ 2)); last first.
    by move=> e; apply: eq_bigr => i _; rewrite wE.
  rewrite average_sum (eq_bigr (fun i => \sum_n u n i 0 ^+ 2)) => [|i _]; last exact: mean_square_signed_sum.
  rewrite exchange_big /= (eq_bigr (fun=> 1)) => [|n _]; last exact: u1.
  by rewrite sumr_cst card_ord mulr1.
have each (e : pattern N) : 2 * t * dot (sval (c e)) (w e) <= t ^+ 2 + sqn (w e).
  rewrite -subr_ge0; apply: le_trans (sqn_ge0 (t *: sval (c e) - w e)) _.
  rewrite sqnB sqnZ dotZl (svalP (c e)) mulr1 le_eqVlt; apply/orP; left; apply/eqP.
  by move: (dot _ _) (sqn (w e)) => q v; ring.
have bound : 2 * t * average (correlation (fun v n => dot (sval v) (u n)) c) <= 2 * t * t.
  rewrite -averageZ; apply: (@le_trans _ _ (average (fun e => t ^+ 2 + sqn (w e)))).
    by apply: le_average => e; rewrite corrE.
  have -> : average (fun e => t ^+ 2 + sqn (w e)) = t ^+ 2 + N%:R.
    rewrite -{1}energy -[in RHS](@average_const F N (t ^+ 2)) /average -mulrDl -big_split.
    by [].
  by rewrite -tt; have -> : t ^+ 2 + t ^+ 2 = 2 * t * t by ring.
by rewrite ler_pmul2l // mulr_gt0 ?ltr0n in bound.
Qed.

Lemma row_unit (A : rotation) j : sqn (row j (sval A))^T = 1.
Proof.
have := congr1 (fun M : 'M_d => M j j) (orth_tr (svalP A)); rewrite !mxE eqxx => e; apply: etrans e.
by apply: eq_bigr => i _; rewrite !mxE expr2.
Qed.

(* The complexity of the cosines over all rotations: at most sqrt d times sqrt N. *)
Lemma cosine_complexity (x : 'I_N -> 'cV[F]_d) : (forall n, x n != 0) ->
  forall c : pattern N -> rotation,
  average (correlation (fun A n => cosine (sval A *m x n)) c) <= Num.sqrt d%:R * Num.sqrt N%:R.
Proof.
move=> x0 c; pose u n := (l2 (x n))^-1 *: x n.
have u1 n : sqn (u n) = 1 by rewrite /u sqnZ exprVn l2_sqr mulVf // sqn_eq0.
pose cj j e : unit_vector := exist _ (row j (sval (c e)))^T (row_unit (c e) j).
have cosE e n : cosine (sval (c e) *m x n) = (Num.sqrt d%:R)^-1 * \sum_j `|dot (sval (cj j e)) (u n)|.
  have ln : l2 (x n) != 0 by rewrite l2_eq0.
  rewrite -(cosineZ (sval (c e) *m x n) (invr_neq0 ln)) scalemxAr -/(u n) /cosine.
  rewrite (orth_l2 _ (svalP (c e))) /l2 u1 sqrtr1 mulr1 mulrC; congr (_ * _).
  apply: eq_bigr => j _; congr `|_|; rewrite dotE mxE; apply: eq_bigr => i _.
  by rewrite !mxE.
have corrE e : correlation (fun A n => cosine (sval A *m x n)) c e =
    (Num.sqrt d%:R)^-1 * \sum_j correlation (fun v n => `|dot (sval v) (u n)|) (cj j) e.
  rewrite /correlation exchange_big mulr_sumr; apply: eq_bigr => n _ /=.
  by rewrite cosE mulrCA mulr_sumr.
rewrite (eq_average corrE) averageZ average_sum.
apply: (@le_trans _ _ ((Num.sqrt d%:R)^-1 * \sum_(j < d) Num.sqrt N%:R)).
  rewrite ler_wpmul2l ?invr_ge0 ?sqrtr_ge0 //; apply: ler_sum => j _.
  exact: (contraction (direction_complexity u1)).
rewrite sumr_cst card_ord mulrA; apply: ler_wpmul2r; first exact: sqrtr_ge0.
have [->|dn] := eqVneq (Num.sqrt d%:R) (0 : F); first by rewrite invr0 mul0r.
by rewrite -{2}(@sqr_sqrt_dim F d) expr2 mulKf.
Qed.
End Complexity.

(* GS-4. For N independent keys from a law with finitely many values, with probability at least      *)
(* 1 - delta no rotation, learned or not, has a mean cosine on the sample farther from its mean over   *)
(* the law than 2 sqrt(d/N) + sqrt(ln(2/delta)/(2N)).                                                   *)
Theorem GS_4_uniform_generalisation d N (T : finType) (p : T -> R) (k : T -> 'cV[R]_d) (delta : R) :
  rademacher_statement -> law p -> (forall t, k t != 0) -> (0 < N)%N -> 0 < delta -> delta < 1 ->
  forall bad : pred {ffun 'I_N -> T},
    (forall s, bad s -> exists2 A : 'M[R]_d, orthogonal A &
       2 * (Num.sqrt d%:R / Num.sqrt N%:R) + sqrt (ln (2 / delta) / (2 * N%:R)) <
       `|(\sum_n cosine (A *m k (s n))) / N%:R - mean p (fun t => cosine (A *m k t))|) ->
  \sum_(s | bad s) draws_weight p s <= delta.
Proof.
move=> rademacher lp k0 N0 d0 d1 bad hbad; have [p0 p1] := lp.
pose G (A : rotation R_rcfType d) t := cosine (sval A *m k t).
apply: (rademacher T p _ G N (Num.sqrt d%:R / Num.sqrt N%:R) delta lp N0 _ d0 d1 _ bad) => [A t|c|s /hbad].
- by rewrite cosine_ge0 cosine_le1.
- have w1 : \sum_(s : {ffun 'I_N -> T}) draws_weight p s = 1.
    transitivity (\prod_(n < N) \sum_t p t); last first.
      by apply: big1 => n _; exact: p1.
    by have := bigA_distr_bigA (fun (_ : 'I_N) t => p t); move=> e; symmetry; exact: e.
  have w0 (s : {ffun 'I_N -> T}) : 0 <= draws_weight p s by apply: prodr_ge0 => n _.
  set rr := Num.sqrt d%:R / Num.sqrt N%:R.
  have fin : rr = \sum_(s : {ffun 'I_N -> T}) draws_weight p s * rr by rewrite -mulr_suml w1 mul1r.
  rewrite [X in _ <= X]fin; apply: ler_sum => s _; apply: ler_wpmul2l => //.
  have tN : 0 < Num.sqrt N%:R :> R by rewrite sqrtr_gt0 ltr0n.
  have ni : 0 <= N%:R^-1 :> R by rewrite invr_ge0 ler0n.
  have := ler_wpmul2l ni (cosine_complexity N0 (fun n => k0 (s n)) (c s)); rewrite -averageZ => h.
  apply: le_trans (le_trans _ h) _.
    by rewrite le_eqVlt; apply/orP; left; apply/eqP; apply: eq_average => e; exact: mulrC.
  rewrite le_eqVlt; apply/orP; left; apply/eqP.
  rewrite -{1}(@sqr_sqrtr _ N%:R) ?ler0n // mulrCA; congr (_ * _).
  by rewrite expr2 invfM mulfVK // gt_eqF.
by move=> [A oA gap]; exists (exist _ A oA).
Qed.
