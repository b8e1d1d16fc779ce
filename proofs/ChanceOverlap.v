(* RG-1, RG-2 and RG-4: what overlap of expert sets and share of a tail chance alone
   gives.  Probabilities are finite averages. *)
From mathcomp Require Import all_ssreflect all_algebra all_fingroup.
From Routegauge Require Import FieldTactics InnerProduct TopK.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.POrderTheory Order.TotalTheory.
Local Open Scope ring_scope.

Section Counting.
Variables (E k : nat).
Implicit Types (A B : {set 'I_E}).

(* The k-subsets of the E experts. *)
Definition ksets := [set B : {set 'I_E} | #|B| == k].

Lemma card_ksets : #|ksets| = 'C(E, k).
Proof. by rewrite /ksets card_draws card_ord. Qed.

(* Hypergeometric count. *)
Lemma card_overlap A m : (m <= k)%N ->
  #|[set B in ksets | #|A :&: B| == m]| = ('C(#|A|, m) * 'C(E - #|A|, k - m))%N.
Proof.
move=> mk; have cA : (E - #|A|)%N = #|~: A| by rewrite [in RHS]cardsCs setCK card_ord.
rewrite cA -!cards_draws -cardsX.
pose f B := (A :&: B, B :\: A).
have f_inj : injective f.
  by move=> B B' [e1 e2]; rewrite -(setID B A) -(setID B' A) ![_ :&: A]setIC e1 e2.
rewrite -(card_imset _ f_inj); apply: eq_card => -[X Y]; apply/imsetP/idP.
  case=> B; rewrite !inE => /andP[/eqP cB /eqP cAB] [-> ->] /=.
  by rewrite subsetIl cAB eqxx /= subsetDr /= cardsD setIC cAB cB eqxx.
rewrite !inE /= => /andP[/andP[XA /eqP cX] /andP[YA /eqP cY]].
have dYA : [disjoint Y & A] by rewrite disjoints_subset.
have dXY : [disjoint X & Y] by rewrite disjoint_sym (disjointWr XA).
have AX : A :&: (X :|: Y) = X.
  by rewrite setIUr (setIidPr XA) [A :&: Y](_ : _ = set0) ?setU0 //; apply/eqP;
     rewrite setI_eq0 disjoint_sym.
exists (X :|: Y); last first.
  by rewrite /f AX setDUl (eqP (_ : X :\: A == set0)) ?setD_eq0 // set0U (setDidPl _).
by rewrite !inE AX cX eqxx andbT cardsU (eqP (_ : X :&: Y == set0)) ?setI_eq0 // cards0 subn0 cX cY subnKC.
Qed.

Lemma card_with1 i : (0 < k)%N ->
  #|[set B in ksets | i \in B]| = 'C(E.-1, k.-1).
Proof.
move=> k0; have := @card_overlap [set i] 1 k0; rewrite cards1 binn mul1n !subn1 => <-.
apply: eq_card => B; rewrite !inE; congr (_ && _).
have [iB|iB] := boolP (i \in B); first by rewrite (setIidPl _) ?sub1set // cards1.
by rewrite (_ : _ :&: _ = set0) ?cards0 //; apply/eqP; rewrite setI_eq0 disjoints1.
Qed.

Lemma card_with2 i j : i != j -> (1 < k)%N ->
  #|[set B in ksets | (i \in B) && (j \in B)]| = 'C(E.-2, k.-2).
Proof.
move=> ij k0; have := @card_overlap [set i; j] 2 k0; rewrite cards2 ij binn mul1n !subn2 => <-.
apply: eq_card => B; rewrite !inE; congr (_ && _).
have c2 : #|[set i; j]| = 2%N by rewrite cards2 ij.
rewrite -c2 (subset_leqif_cards (subsetIl [set i; j] B)).2.
by rewrite (sameP eqP setIidPl) subUset !sub1set.
Qed.

End Counting.

Section Chance.
Variables (R : realFieldType) (E k : nat).
Hypothesis k0 : (0 < k)%N.
Hypothesis kE : (k <= E)%N.
Implicit Types (A B : {set 'I_E}).
Add Field chance_field : (mc_field_theory R).

(* Average over all k-subsets. *)
Definition mean_ksets (f : {set 'I_E} -> R) : R :=
  (\sum_(B in ksets E k) f B) / 'C(E, k)%:R.

Lemma binEk_neq0 : 'C(E, k)%:R != 0 :> R.
Proof. by rewrite pnatr_eq0 -lt0n bin_gt0. Qed.

Lemma E_gt0 : (0 < E)%N. Proof. exact: leq_trans kE. Qed.

Lemma card_sum A B : #|A :&: B|%:R = \sum_(i in A) (i \in B)%:R :> R.
Proof.
rewrite -sum1_card natr_sum big_mkcond [RHS]big_mkcond; apply: eq_bigr => i _.
by rewrite inE; case: (i \in A) => //=; case: (i \in B).
Qed.

Lemma sum_with1 i : \sum_(B in ksets E k) (i \in B)%:R = 'C(E.-1, k.-1)%:R :> R.
Proof.
rewrite -(card_with1 i k0) -sum1_card natr_sum big_mkcond [RHS]big_mkcond.
by apply: eq_bigr => B _; rewrite !inE; case: (_ == k) => //=; case: (i \in B).
Qed.

Lemma sum_with2 i j : i != j -> (1 < k)%N ->
  \sum_(B in ksets E k) (i \in B)%:R * (j \in B)%:R = 'C(E.-2, k.-2)%:R :> R.
Proof.
move=> ij k1; rewrite -(card_with2 ij k1) -sum1_card natr_sum big_mkcond [RHS]big_mkcond.
apply: eq_bigr => B _; rewrite !inE; case: (_ == k) => //=.
by case: (i \in B); case: (j \in B); rewrite ?mulr0 ?mulr1 ?mul0r.
Qed.

Lemma incl1 : 'C(E.-1, k.-1)%:R = k%:R / E%:R * 'C(E, k)%:R :> R.
Proof.
have E0 : E%:R != 0 :> R by rewrite pnatr_eq0 -lt0n E_gt0.
apply: (mulfI E0); transitivity (k%:R * 'C(E, k)%:R : R).
  by rewrite -!natrM mul_bin_diag prednK.
by mfield R; apply/eqP.
Qed.

(* RG-1. (a) The chance overlap of a fixed set of k experts with a uniformly
   random set of k out of E experts is k/E. *)
Theorem RG_1_a_mean_overlap A : #|A| = k ->
  mean_ksets (fun B => #|A :&: B|%:R / k%:R) = k%:R / E%:R.
Proof.
move=> cA; rewrite /mean_ksets -mulr_suml.
under eq_bigr => B _ do rewrite card_sum.
rewrite exchange_big /= (eq_bigr _ (fun i _ => sum_with1 i)) sumr_const cA.
rewrite -[_ *+ k]mulr_natl incl1.
have k0' : k%:R != 0 :> R by rewrite pnatr_eq0 -lt0n.
have E0 : E%:R != 0 :> R by rewrite pnatr_eq0 -lt0n E_gt0.
move: binEk_neq0; set c := 'C(E, k)%:R => c0.
by mfield R; repeat split; apply/eqP.
Qed.

(* RG-1. (b) Its variance (as a count) is k (k/E)(1 - k/E)(E-k)/(E-1). *)
Theorem RG_1_b_variance_overlap A : #|A| = k -> (1 < E)%N ->
  mean_ksets (fun B => (#|A :&: B|%:R - k%:R * (k%:R / E%:R)) ^+ 2) =
  k%:R * (k%:R / E%:R) * (1 - k%:R / E%:R) * ((E - k)%:R / (E - 1)%:R).
Proof.
move=> cA E1.
have E0 : E%:R != 0 :> R by rewrite pnatr_eq0 -lt0n E_gt0.
have E10 : E%:R - 1 != 0 :> R by rewrite -(natrB R E_gt0) pnatr_eq0 subn_eq0 -ltnNge.
have c0 := binEk_neq0.
have incl2 : (1 < k)%N -> 'C(E.-2, k.-2)%:R =
    k%:R * (k%:R - 1) / (E%:R * (E%:R - 1)) * 'C(E, k)%:R :> R.
  move=> k1; have := incl1; have e : E.-1%:R != 0 :> R.
    by rewrite pnatr_eq0 -lt0n -subn1 subn_gt0.
  have : E.-1%:R * 'C(E.-2, k.-2)%:R = k.-1%:R * 'C(E.-1, k.-1)%:R :> R.
    by rewrite -!natrM mul_bin_diag prednK // -subn1 subn_gt0.
  move=> h1 h2; apply: (mulfI e); rewrite h1 h2 -!subn1 !natrB ?E_gt0 //.
  by mfield R; repeat split; apply/eqP.
have m1 : \sum_(B in ksets E k) #|A :&: B|%:R = k%:R * (k%:R / E%:R) * 'C(E, k)%:R :> R.
  under eq_bigr => B _ do rewrite card_sum.
  rewrite exchange_big /= (eq_bigr _ (fun i _ => sum_with1 i)) sumr_const cA.
  by rewrite -['C(_, _)%:R *+ k]mulr_natl incl1; mring R.
have m2 : \sum_(B in ksets E k) #|A :&: B|%:R ^+ 2 =
    (k%:R * (k%:R / E%:R) + k%:R * (k%:R - 1) * (k%:R * (k%:R - 1) / (E%:R * (E%:R - 1))))
     * 'C(E, k)%:R :> R.
  transitivity (\sum_(i in A) \sum_(j in A) \sum_(B in ksets E k) (i \in B)%:R * (j \in B)%:R : R).
    under eq_bigr => B _ do rewrite expr2 card_sum mulr_suml.
    rewrite exchange_big /=; apply: eq_bigr => i iA.
    rewrite exchange_big /=; apply: eq_bigr => B _.
    by rewrite mulr_sumr.
  transitivity (\sum_(i in A) (k%:R / E%:R * 'C(E, k)%:R +
     (k%:R - 1) * (k%:R * (k%:R - 1) / (E%:R * (E%:R - 1)) * 'C(E, k)%:R)) : R).
    apply: eq_bigr => i iA; rewrite (bigD1 i) //=; congr (_ + _).
      rewrite -incl1 -(sum_with1 i); apply: eq_bigr => B _.
      by case: (i \in B); rewrite ?mulr1 ?mulr0.
    have [k1|k1] := ltnP 1 k.
      rewrite (eq_bigr (fun=> 'C(E.-2, k.-2)%:R)); last first.
        by move=> j /andP[jA ji]; rewrite sum_with2 // eq_sym.
      rewrite (eq_bigl (fun j => j \in A :\ i)); last by move=> j; rewrite !inE andbC.
      rewrite sumr_const -[X in X = _]mulr_natl incl2 //; congr (_ * _).
      rewrite -(natrB R k0); congr _%:R.
      by move: cA; rewrite (cardsD1 i) iA add1n => <-; rewrite subn1.
    have k1' : k = 1%N by apply/eqP; rewrite eqn_leq k1.
    rewrite {2}k1' subrr mul0r big1 // => j /andP[jA ji].
    by move: cA; rewrite k1' (cardsD1 i) (cardsD1 j) iA !inE ji jA.
  rewrite sumr_const cA -[_ *+ k]mulr_natl.
  by mring R.
rewrite /mean_ksets.
under eq_bigr => B _ do rewrite sqrrB.
rewrite big_split /= sumrB m2 sumrMnl -mulr_suml m1 sumr_const card_ksets.
rewrite -[(_ ^+ 2) *+ 'C(E, k)]mulr_natl !natrB // ?E_gt0 //.
move: c0; set c := 'C(E, k)%:R => c0; rewrite -[_ *+ 2]mulr_natl.
by mfield R; repeat split; apply/eqP.
Qed.

(* RG-1. (c) Expected Jaccard similarity under the hypergeometric law. *)
Theorem RG_1_c_mean_jaccard A : #|A| = k ->
  mean_ksets (fun B => #|A :&: B|%:R / #|A :|: B|%:R) =
  \sum_(m < k.+1) ('C(k, m) * 'C(E - k, k - m))%:R / 'C(E, k)%:R
                  * (m%:R / (2 * k - m)%:R).
Proof.
move=> cA; rewrite /mean_ksets mulr_suml.
have cap B : (#|A :&: B| < k.+1)%N by rewrite ltnS -cA subset_leq_card ?subsetIl.
rewrite (partition_big (fun B => Ordinal (cap B)) predT) //=; apply: eq_bigr => m _.
have cnt := @card_overlap E k A m (leq_ord m); rewrite cA in cnt; rewrite -cnt.
rewrite (eq_bigr (fun=> m%:R / (2 * k - m)%:R / 'C(E, k)%:R)); last first.
  move=> B /andP[]; rewrite inE => /eqP cB /eqP/(congr1 val) /= hm.
  by rewrite cardsU hm cA cB mul2n addnn.
rewrite (eq_bigl (fun B => B \in [set B in ksets E k | #|A :&: B| == m])); last first.
  by move=> B; rewrite !inE.
by rewrite sumr_const -[LHS]mulr_natl; mring R.
Qed.

End Chance.

(* RG-2: two tokens whose sets are drawn independently from one law p. *)
Section Popularity.
Variables (R : realFieldType) (E k : nat) (p : {set 'I_E} -> R).
Hypothesis E0 : (0 < E)%N.
Hypothesis k0 : (0 < k)%N.
Hypothesis p_ge0 : forall A, 0 <= p A.
Hypothesis p_sum : \sum_A p A = 1.
Hypothesis p_card : forall A, p A != 0 -> #|A| = k.
Add Field popularity_field : (mc_field_theory R).

(* Inclusion probability of expert e. *)
Definition incl (e : 'I_E) : R := \sum_(A : {set 'I_E} | e \in A) p A.

Lemma incl_mem e : incl e = \sum_A p A * (e \in A)%:R.
Proof.
by rewrite /incl big_mkcond; apply: eq_bigr => A _; case: (e \in A); rewrite ?mulr1 ?mulr0.
Qed.

Lemma incl_sum : \sum_e incl e = k%:R.
Proof.
under eq_bigr => e _ do rewrite incl_mem.
rewrite exchange_big /=; transitivity (\sum_A p A * k%:R); last by rewrite -mulr_suml p_sum mul1r.
apply: eq_bigr => A _; rewrite -mulr_sumr; have [->|pA] := eqVneq (p A) 0; first by rewrite !mul0r.
congr (_ * _); rewrite -(p_card pA) -sum1_card natr_sum [RHS]big_mkcond.
by apply: eq_bigr => e _; case: (e \in A).
Qed.

Definition mean_overlap : R := \sum_A \sum_B p A * p B * (#|A :&: B|%:R / k%:R).

(* RG-2. (a) The expected overlap of two independent sets is the sum of squared
   inclusion probabilities over k. *)
Theorem RG_2_a_popularity_null : mean_overlap = (\sum_e incl e ^+ 2) / k%:R.
Proof.
rewrite /mean_overlap mulr_suml.
transitivity (\sum_A \sum_B \sum_e (p A * (e \in A)%:R) * (p B * (e \in B)%:R) / k%:R).
  apply: eq_bigr => A _; apply: eq_bigr => B _.
  rewrite -mulr_suml mulrA; congr (_ / _); rewrite (card_sum R) mulr_sumr big_mkcond.
  by apply: eq_bigr => e _; case: (e \in A); case: (e \in B); rewrite ?mulr0 ?mul0r ?mulr1.
under eq_bigr => A _ do rewrite exchange_big.
rewrite exchange_big /=; apply: eq_bigr => e _.
rewrite expr2 {1}incl_mem !mulr_suml; apply: eq_bigr => A _.
by rewrite -mulr_suml -mulr_sumr -incl_mem.
Qed.

Lemma incl_dev : \sum_e (incl e - k%:R / E%:R) ^+ 2 =
  \sum_e incl e ^+ 2 - k%:R * (k%:R / E%:R).
Proof.
have E0' : E%:R != 0 :> R by rewrite pnatr_eq0 -lt0n.
under eq_bigr => e _ do rewrite sqrrB.
rewrite big_split /= sumrB sumrMnl -mulr_suml incl_sum sumr_const card_ord.
rewrite -[(_ ^+ 2) *+ E]mulr_natl -[_ *+ 2]mulr_natl.
have aux (S a n : R) : n != 0 ->
    S - 2%:R * (a * (a / n)) + n * (a / n) ^+ 2 = S - a * (a / n).
  by move=> n0; mfield R; apply/eqP.
exact: aux.
Qed.

(* RG-2. (b) It is at least k/E, with equality exactly for balanced experts. *)
Theorem RG_2_b_popularity_lower_bound :
  k%:R / E%:R <= mean_overlap /\
  (mean_overlap = k%:R / E%:R <-> forall e, incl e = k%:R / E%:R).
Proof.
have k0' : 0 < k%:R :> R by rewrite ltr0n.
have dev : mean_overlap - k%:R / E%:R = (\sum_e (incl e - k%:R / E%:R) ^+ 2) / k%:R.
  rewrite incl_dev RG_2_a_popularity_null mulrBl; congr (_ - _).
  by rewrite [RHS]mulrAC mulfV ?mul1r ?gt_eqF.
split.
  rewrite -subr_ge0 dev divr_ge0 ?ler0n // sumr_ge0 // => e _; exact: sqr_ge0.
split=> [h e|h].
  move: dev; rewrite h subrr => /esym/eqP; rewrite mulf_eq0 invr_eq0 (gt_eqF k0') orbF.
  rewrite psumr_eq0; last by move=> i _; apply: sqr_ge0.
  move=> /allP/(_ e); rewrite mem_index_enum => /(_ isT) /=.
  by rewrite sqrf_eq0 subr_eq0 => /eqP.
apply/eqP; rewrite -subr_eq0 dev big1 ?mul0r // => e _.
by rewrite h subrr expr0n.
Qed.

(* RG-2. (c) A constant predictor C overlaps by the mean inclusion probability
   of its members ... *)
Theorem RG_2_c_constant_predictor (C : {set 'I_E}) :
  \sum_A p A * (#|A :&: C|%:R / k%:R) = (\sum_(e in C) incl e) / k%:R.
Proof.
under eq_bigr => A _ do rewrite mulrA setIC (card_sum R) mulr_sumr.
rewrite -mulr_suml exchange_big /=; congr (_ / _); apply: eq_bigr => e _.
by rewrite incl_mem.
Qed.

End Popularity.

(* RG-2. (d) ... so the best one takes the k most popular experts. *)
Theorem RG_2_d_best_constant_predictor (R : realFieldType) (E k : nat)
    (q : 'cV[R]_E) (T C : {set 'I_E}) :
  is_topk k q T -> #|C| = k -> \sum_(e in C) q e 0 <= \sum_(e in T) q e 0.
Proof.
case=> cT hT cC.
rewrite (big_setID T) [X in _ <= X](big_setID C) /= [T :&: C]setIC ler_add2l.
have cD : #|C :\: T| = #|T :\: C|.
  by apply/eqP; rewrite -(eqn_add2l #|C :&: T|) cardsID setIC cardsID cT cC.
have [/cards0_eq e0|] := posnP #|T :\: C|.
  by move: cD; rewrite e0 cards0 => /cards0_eq ->; rewrite !big_set0.
rewrite card_gt0 => /set0Pn[i0 i0D].
have := i0D; rewrite inE => /andP[_ i0T].
pose i1 := [arg min_(i < i0 in T) q i 0]%O.
have [i1T i1min] : i1 \in T /\ forall i, i \in T -> q i1 0 <= q i 0.
  by rewrite /i1; case: arg_minP => // i iT imin; split.
apply: (@le_trans _ _ (\sum_(e in C :\: T) q i1 0)).
  by apply: ler_sum => e; rewrite inE => /andP[eT _]; apply: hT.
rewrite sumr_const cD -sumr_const; apply: ler_sum => e; rewrite inE => /andP[_ eT].
exact: i1min.
Qed.

(* RG-4: a window of T tokens, a selected set B of them, masses d. *)
Section Permutations.
Variables (R : realFieldType) (T : nat).
Implicit Types (B : {set 'I_T}) (d : 'I_T -> R).
Add Field permutations_field : (mc_field_theory R).

(* The share of mass that falls in B, averaged over all placements of the
   masses (the exchangeable null). *)
Definition mean_share B d : R :=
  (\sum_(s : {perm 'I_T}) (\sum_(t in B) d (s t)) / \sum_t d t) / (T`!)%:R.

Lemma perm_sum_const d t t' :
  \sum_(s : {perm 'I_T}) d (s t) = \sum_(s : {perm 'I_T}) d (s t').
Proof.
rewrite (reindex_inj (mulgI (tperm t t'))) /=; apply: eq_bigr => s _.
by rewrite permM tpermL.
Qed.

(* RG-4. (a) The selected tail carries its own fraction |B|/T of the mass, with
   B as actually counted, ties included. *)
Theorem RG_4_a_order_statistic_baseline B d : (0 < T)%N -> \sum_t d t != 0 ->
  mean_share B d = #|B|%:R / T%:R.
Proof.
move=> T0 d0; rewrite /mean_share -mulr_suml exchange_big /=.
pose S := \sum_(s : {perm 'I_T}) d (s (Ordinal T0)).
have T0' : T%:R != 0 :> R by rewrite pnatr_eq0 -lt0n.
have f0 : (T`!)%:R != 0 :> R by rewrite pnatr_eq0 -lt0n fact_gt0.
have TS : T%:R * S = (T`!)%:R * \sum_t d t.
  transitivity (\sum_(t : 'I_T) \sum_(s : {perm 'I_T}) d (s t)).
    by rewrite (eq_bigr (fun=> S)) ?sumr_const ?card_ord ?mulr_natl // => t _; apply: perm_sum_const.
  rewrite exchange_big /= (eq_bigr (fun=> \sum_t d t)); last first.
    by move=> s _; rewrite [RHS](reindex_inj (@perm_inj _ s)).
  by rewrite sumr_const -[in RHS]card_Sn mulr_natl.
rewrite (eq_bigr (fun=> S)); last by move=> t _; apply: perm_sum_const.
rewrite sumr_const; have -> : S = (T`!)%:R * (\sum_t d t) / T%:R.
  by rewrite -TS mulrAC mulfV ?mul1r.
have aux (b f D n : R) : f != 0 -> D != 0 -> n != 0 -> b * (f * D / n) / D / f = b / n.
  by move=> ? ? ?; mfield R; repeat split; apply/eqP.
by rewrite -[(_ * _ / _) *+ _]mulr_natl; exact: aux.
Qed.

(* RG-4. (b) With |B| = ceil(q T) the baseline lies in [q, q + 1/T). *)
Theorem RG_4_b_effective_quantile (n : nat) (q : R) : (0 < T)%N ->
  q * T%:R <= n%:R < q * T%:R + 1 -> q <= n%:R / T%:R < q + T%:R^-1.
Proof.
move=> T0 /andP[h1 h2]; have T0' : 0 < T%:R :> R by rewrite ltr0n.
rewrite ler_pdivl_mulr // h1 /= ltr_pdivr_mulr // mulrDl mulVf //.
by rewrite gt_eqF.
Qed.

(* RG-4. (c) Windows without mass, scored 0 (here x/0 = 0), lower the null by
   the probability of a window with mass. *)
Theorem RG_4_c_zero_windows (W : finType) (P : W -> R) (d : W -> 'I_T -> R) B :
  (0 < T)%N ->
  \sum_w P w * mean_share B (d w) =
  #|B|%:R / T%:R * \sum_(w | \sum_t d w t != 0) P w.
Proof.
move=> T0; rewrite mulr_sumr [RHS]big_mkcond; apply: eq_bigr => w _.
have [d0|d0] := eqVneq (\sum_t d w t) 0; last first.
  by rewrite RG_4_a_order_statistic_baseline // mulrC.
rewrite /mean_share d0 invr0 big1 ?mul0r ?mulr0 // => s _; exact: mulr0.
Qed.

End Permutations.
